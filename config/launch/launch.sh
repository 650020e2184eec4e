# Sourced by ./quartet of a checkout and bin/quartet of an archive: the flags of the product's JVM, in one place, and how a
# server is started, and started again after it has lost a GPU.
#
# Wants: home (where Quartet lies), java (the program), classpath. QUARTET_JAVA_OPTS adds flags.

quartet_flags=(
  --enable-native-access=ALL-UNNAMED
  --sun-misc-unsafe-memory-access=allow
  --add-modules=jdk.incubator.vector
  -XX:+UseG1GC
  -XX:+ExitOnOutOfMemoryError
  -Djava.awt.headless=true
  "-Dquartet.home=$home"
  -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8
)

quartet_launch() {
  # shellcheck disable=SC2086,SC2206
  local command=("$java" "${quartet_flags[@]}" ${QUARTET_JAVA_OPTS:-} -cp "$classpath" quartet.api.Main "$@")
  [ "${1:-}" = serve ] || exec "${command[@]}"

  # A server that has lost a GPU to a fault that only a new process heals ends with 86. It is started again and goes on with
  # its queue; the pauses grow from 1 to 60 s and shrink again after five good minutes. Any other end is the end.
  local lost_gpu=86 pause=1 code began
  quartet_child=
  quartet_stopping=
  trap 'quartet_stopping=1; [ -z "$quartet_child" ] || kill -TERM "$quartet_child" 2>/dev/null || true' TERM INT HUP
  # With this script, the server goes too, even if the script is killed without a chance to pass the signal on.
  local guard=()
  if command -v setpriv >/dev/null 2>&1; then guard=(setpriv --pdeathsig TERM --); fi
  while :; do
    began=$SECONDS
    "${guard[@]}" "${command[@]}" &
    quartet_child=$!
    code=0
    wait "$quartet_child" || code=$?
    while kill -0 "$quartet_child" 2>/dev/null; do # a signal has ended the wait, not the server
      code=0
      wait "$quartet_child" || code=$?
    done
    if [ "$code" != "$lost_gpu" ] || [ -n "$quartet_stopping" ]; then exit "$code"; fi
    if [ $((SECONDS - began)) -ge 300 ]; then pause=1; fi
    echo "quartet: a GPU was lost to the server's process; starting a new one in $pause s" >&2
    sleep "$pause" &
    wait $! || true
    [ -z "$quartet_stopping" ] || exit "$code"
    pause=$((pause * 2 > 60 ? 60 : pause * 2))
  done
}

# Sourced by run.sh: verdicts, servers, requests. Wants: home, work, port.

failures=0
rows="$work/rows.md"
: >"$rows"

# verdict SECTION WHAT pass|FAIL|skipped EVIDENCE: one line on the screen and in the report.
verdict() {
  local evidence=${4//|/\\|}
  printf '%-8s %-5s %s: %s\n' "$3" "$1" "$2" "$4"
  printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "${evidence//$'\n'/ }" >>"$rows"
  if [ "$3" = FAIL ]; then failures=$((failures + 1)); fi
}

# holds SECTION WHAT EVIDENCE COMMAND…: passes if the command does.
holds() {
  local section=$1 what=$2 evidence=$3
  shift 3
  if "$@" >/dev/null 2>&1; then verdict "$section" "$what" pass "$evidence"; else verdict "$section" "$what" FAIL "$evidence"; fi
}

# less A B, equal A B: numbers and texts.
less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }
equal() { [ "$1" = "$2" ]; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }

# until_ok SECONDS COMMAND…: tries until it succeeds; says no after that time.
until_ok() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# ---- servers --------------------------------------------------------------------------------------------------------

server=
base=
log=

# start NAME ENVIRONMENT… -- ARGUMENTS…: ./start_multi_gpu.sh as an operator starts it, with a folder of its own.
start() {
  local environment=() name=$1
  shift
  while [ "$1" != -- ]; do
    environment+=("$1")
    shift
  done
  shift
  base="$work/$name"
  log="$work/$name.log"
  mkdir -p "$base/models/checkpoints" "$base/custom_nodes"
  [ -e "$base/models/checkpoints/quartet-demo.safetensors" ] \
    || cp "$home/models/checkpoints/quartet-demo.safetensors" "$base/models/checkpoints/"
  # A heap of a fixed size, touched at once: what grows is weights and pictures.
  env QUARTET_JAVA_OPTS="${QUARTET_JAVA_OPTS:-} -Xms768m -Xmx768m -XX:+AlwaysPreTouch" "${environment[@]}" \
    "$home/start_multi_gpu.sh" --port "$port" --base-directory "$base" "$@" >"$log" 2>&1 &
  server=$!
}

ready() { grep -q 'To see the GUI go to' "$log"; }
gone() { ! kill -0 "$server" 2>/dev/null; }
ready_or_gone() { ready || gone; }

started() {
  until_ok 300 ready_or_gone
  ready || { tail -30 "$log"; verdict "$1" "the server starts" FAIL "see its last lines above"; stop; return 1; }
}

stop() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}

# The process that holds the memory: the JVM below the launcher.
rss_kb() {
  local pid
  pid=$(pgrep -P "$server" | head -1)
  awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"
}

# ---- requests -------------------------------------------------------------------------------------------------------

url() { echo "http://127.0.0.1:$port$1"; }
get() { curl -sS -m 30 "$(url "$1")"; }

# workflow STEPS SIDE SEED [CHECKPOINT]: the guide's, made smaller.
workflow() {
  jq -c --argjson steps "$1" --argjson side "$2" --argjson seed "$3" --arg checkpoint "${4:-quartet-demo.safetensors}" \
    '."3".inputs.steps=$steps | ."3".inputs.seed=$seed | ."5".inputs.width=$side | ."5".inputs.height=$side
     | ."4".inputs.ckpt_name=$checkpoint' "$home/docs/examples/landscape.json"
}

# post BODY [HEADER]: the prompt's id, or nothing.
post() {
  curl -sS -m 30 -X POST "$(url /prompt)" ${2:+-H "$2"} -d "$1" | jq -r '.prompt_id // empty'
}

ended() { get "/history/$1" | jq -e --arg id "$1" '.[$id] != null'; }
outcome() { get "/history/$1" | jq -r --arg id "$1" '.[$id].status.status_str'; }
idle() { get /queue/all | jq -e '.total_running + .total_pending == 0'; }

# done_within SECONDS ID: waits and says how it ended.
done_within() { until_ok "$1" ended "$2" && outcome "$2"; }

# logged TEXT: whether the log has it.
logged() { grep -qF -- "$1" "$log"; }
logged_pattern() { grep -qE -- "$1" "$log"; }

# in_order FILE: whether the lines of standard input are in the file, in this order, others between them.
in_order() {
  awk 'NR == FNR { want[++n] = $0; next } found < n && index($0, want[found + 1]) { found++ }
       END { if (found < n) { print want[found + 1]; exit 1 } }' - "$1"
}

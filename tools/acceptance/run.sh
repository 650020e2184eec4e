#!/usr/bin/env bash
# Does what the operators' test guide for multi-GPU servers asks for, line by line, as a person would type it, and says for each
# line whether it holds and what was seen. Ends with 1 if one does not.
#
#   tools/acceptance/run.sh [--home DIR] [--port 8188] [--report FILE.md]
#
# DIR is a checkout (this one by default) or an unpacked archive. nginx listens on the seven ports below the server's: 8181-8184
# beside 8188. Needs curl and jq; nginx, systemd-analyze, logrotate, promtool and javac where they are installed. Devices are
# virtual CPU devices, and simulated ones where only the time counts; nothing outside a temporary folder is changed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$(cd "$here/../.." && pwd)
port=8188
report=
while [ $# -gt 0 ]; do
  case $1 in
    --home) home=$(cd "$2" && pwd) ;;
    --port) port=$2 ;;
    --report) report=$2 ;;
    *) echo "acceptance: '$1' is not understood; see the first lines of $0" >&2; exit 2 ;;
  esac
  shift 2
done
for program in curl jq awk; do
  command -v "$program" >/dev/null || { echo "acceptance: $program is not installed" >&2; exit 2; }
done

work=$(mktemp -d)
. "$here/lib.sh"
. "$here/steps-start.sh"
. "$here/steps-load.sh"
finish() {
  stop
  [ -z "$proxy" ] || kill "$proxy" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ -d "$home/runtime" ]; then
  where="an unpacked archive, with its own runtime"
  libraries="$home/lib/*"
else
  where="a checkout"
  . "$home/.mvn/jdk.sh"
  "$home/quartet" --version >/dev/null || exit 1 # builds, if it must
  libraries="$home/api/target/lib/*"
fi
if curl -s -m 2 -o /dev/null "$(url /)"; then
  echo "acceptance: something listens on port $port already; choose another with --port" >&2
  exit 2
fi

began=$SECONDS
section_0
if section_1; then
  section_5_memory
  section_2
  section_4
  section_5_load
  section_5_isolation
  stop
fi
start sim COMFY_NUM_GPUS=4 -- --devices sim:4 --sim step=80ms
if started 3; then
  section_8
  section_3
  section_5_oom
  stop
fi
section_9

total=$(wc -l <"$rows")
skipped=$(grep -c '| skipped |' "$rows")
echo "acceptance: $((total - failures - skipped)) of $total lines hold, $failures fail, $skipped skipped; $((SECONDS - began)) s"
if [ -n "$report" ]; then
  {
    echo '# Acceptance run'
    echo
    echo "Made by \`tools/acceptance/run.sh\` from $where, on $(date -u +%Y-%m-%d), $(nproc) cores, without a GPU: sections 0 to 2, 4, 5.1 to 5.3 on"
    echo 'four virtual CPU devices, which share the cores; 3, 5.4 and 8 on four simulated ones, which wait and compute nothing.'
    echo "$((total - failures - skipped)) of $total lines hold, $failures fail, $skipped were skipped. It took $((SECONDS - began)) s."
    echo
    echo '| § | line of the guide | result | seen |'
    echo '|---|---|---|---|'
    sort -s -t'|' -k2,2n "$rows"
    echo
    echo 'The report that section 8 wrote:'
    echo
    sed -e 's/^# /## /' "$work/report/report.md" 2>/dev/null
  } >"$report"
fi
[ "$failures" = 0 ]

#!/usr/bin/env bash
# Runs Quartet from its archive, with the runtime that came with it: no Java is needed on the machine.
set -euo pipefail
home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
java="$home/runtime/bin/java"
# The same jars in the same order as when the start-up cache was made; otherwise it would be ignored.
classpath=$(sed "s|^|$home/lib/|" "$home/lib/classpath.txt" | paste -sd: -)
# Where models, output, logs and the journal lie: beside the program, or where QUARTET_BASE says.
if [ -n "${QUARTET_BASE:-}" ] && [ "${1:-}" = serve ]; then set -- "$@" --base-directory "$QUARTET_BASE"; fi
. "$home/config/launch/launch.sh"
if [ -f "$home/lib/start-up.aot" ]; then quartet_flags+=("-XX:AOTCache=$home/lib/start-up.aot"); fi
quartet_launch "$@"

# Sourced by run.sh: sections 0 to 2 of the operators' guide.

section_0() {
  start single COMFY_MULTI_GPU_SCHED=0 COMFY_NUM_GPUS=4 -- --devices cpu:4
  started 0 || return 0
  holds 0 "one device alone: page" "GET / → $(get / | grep -o '<title>[^<]*' | head -1 | cut -c8-)" [ -n "$(get / | grep -o '<title>Quartet')" ]
  local queues id
  queues=$(get /queue/all | jq '.queues | length')
  holds 0 "one device alone: one queue" "$queues queue" equal "$queues" 1
  id=$(post "$(workflow 2 64 1)")
  holds 0 "one device alone: a prompt runs on device 0" "$(done_within 120 "$id"), $(grep -o "Routing prompt $id to GPU 0" "$log" | sed "s/$id/<id>/")" \
    logged "Routing prompt $id to GPU 0"
  stop
}

section_1() {
  start short COMFY_NUM_GPUS=4 -- --devices cpu:2
  until_ok 120 gone
  holds 1 "fewer devices than asked for stop the start" "$(grep -o 'COMFY_NUM_GPUS asks.*' "$log" | head -1)" logged "asks for 4 devices, but there are only 2"
  stop

  plug_in
  if [ -n "$plugged" ]; then
    start plugged COMFY_NUM_GPUS=1 -- --devices cpu:1
    started 1 || return 1
    holds 1 "a plug-in that names a device is told by name" "$(grep -o 'Plug-in .*hard-codes a device: class [^;]*' "$log" | head -1)" \
      logged_pattern 'Plug-in .*hard-codes a device: class'
    stop
  else
    verdict 1 "a plug-in that names a device is told by name" skipped "no javac here to make one; PlugInsTest has it"
  fi

  start main COMFY_MULTI_GPU_SCHED=1 COMFY_NUM_GPUS=4 -- --devices cpu:4
  started 1 || return 1
  local missing
  if missing=$(start_lines | in_order "$log"); then
    verdict 1 "the start-up log, in order" pass "$(start_lines | wc -l) lines"
  else
    verdict 1 "the start-up log, in order" FAIL "not there, or not in its place: $missing"
  fi
  local file
  file=$(ls "$base"/logs/comfyui_*.log 2>/dev/null | head -1)
  holds 1 "the same in logs/comfyui_<time>.log" "logs/$(basename "${file:-none}")" in_order "$file" < <(start_lines)
  holds 1 "curl / gives the front-end page" "$(get / | grep -c '<script type="module"') module script in it" test -n "$(get / | grep -o '<title>Quartet</title>')"
  local all
  all=$(get /queue/all | jq -c .)
  holds 1 "/queue/all of an idle server" "$(echo "$all" | cut -c1-110)…" equal "$all" \
    "$(jq -nc '{queues: [range(4) | {gpu_id: ., queue_running: [], queue_pending: [], running_count: 0, pending_count: 0}], total_running: 0, total_pending: 0}')"
}

start_lines() {
  local gpu
  echo '✅ Multi-GPU scheduling ENABLED'
  echo '🚀 Multi-GPU mode ENABLED with 4 GPUs'
  echo '📋 Created 4 task queues for multi-GPU scheduling'
  for gpu in 0 1 2 3; do echo "🚀 Started worker thread for GPU $gpu"; done
  for gpu in 0 1 2 3; do
    echo "🔥 [GPU $gpu] Starting warmup..."
    echo "✅ [GPU $gpu] Warmup completed"
  done
  echo '🔍 Checking custom nodes compatibility...'
  echo '✅ No obvious device hardcoding detected'
}

# A plug-in that names a device, if one can be compiled here.
plugged=
plug_in() {
  local source="$work/plug-in/example" javac="${JAVA_HOME:-}/bin/javac"
  [ -x "$javac" ] || javac=$(command -v javac) || return 0
  mkdir -p "$source" "$work/plug-in/META-INF/services" "$work/plugged/custom_nodes"
  cat >"$source/CudaZero.java" <<'JAVA'
package example;
import java.util.List;
import quartet.engine.node.*;
public final class CudaZero implements NodePack {
  static final String WHERE = "cuda:0";
  public String name() { return "cuda-zero " + WHERE.length(); }
  public List<Node> nodes() { System.getProperty(WHERE); return List.of(); }
}
JAVA
  "$javac" --release 25 -cp "$libraries" -d "$work/plug-in" "$source/CudaZero.java" 2>/dev/null || return 0
  echo example.CudaZero >"$work/plug-in/META-INF/services/quartet.engine.node.NodePack"
  (cd "$work/plug-in" && "${javac%javac}jar" -cf "$work/plugged/custom_nodes/cuda-zero.jar" META-INF example/CudaZero.class) || return 0
  plugged=yes
}

section_2() {
  local gpu id text ids=()
  for gpu in 0 1 2 3; do
    ids[gpu]=$(curl -sS -m 30 -X POST "$(url /prompt)" -H 'Content-Type: application/json' -H "X-TARGET-GPU: $gpu" \
      -d "@$home/docs/examples/landscape.json" | jq -r .prompt_id)
  done
  for gpu in 0 1 2 3; do
    id=${ids[gpu]}
    text=$(done_within 600 "$id")
    holds 2 "the guide's workflow, bare, on GPU $gpu" \
      "$text: $(grep -oE "✅ \[GPU $gpu\] Prompt $id executed in [0-9.]+s" "$log" | sed "s/$id/<id>/")" \
      eval 'logged "Routing prompt $id to GPU $gpu" && logged "🔧 [GPU $gpu] Worker started on cpu:$gpu" && logged_pattern "✅ \[GPU $gpu\] Prompt $id executed in [0-9]+\.[0-9]{2}s" && [ "$text" = success ]'
  done
  id=$(curl -sS -m 30 -X POST "$(url /prompt)" -H 'Content-Type: application/json' -H 'X-TARGET-GPU: 2' -d "{\"prompt\": $(workflow 2 64 2)}" | jq -r .prompt_id)
  holds 2 "wrapped in {\"prompt\": …}" "$(done_within 60 "$id") on GPU 2" logged "Routing prompt $id to GPU 2"
  id=$(post "$(workflow 2 64 3)" 'X-TARGET-GPU: 3')
  holds 2 "with curl's own form type" "$(done_within 60 "$id") on GPU 3" logged "Routing prompt $id to GPU 3"
  id=$(post "$(workflow 2 64 4)")
  holds 2 "without the header the scheduler chooses" "$(done_within 60 "$id"), $(grep -oE "Routing prompt $id to GPU [0-9] \(.*\)" "$log" | sed "s/$id/<id>/")" \
    logged_pattern "Routing prompt $id to GPU [0-3] \("
  for wrong in seven 9; do
    text=$(curl -sS -m 30 -w ' HTTP %{http_code}' -X POST "$(url /prompt)" -H "X-TARGET-GPU: $wrong" -d "$(workflow 2 64 5)")
    holds 2 "X-TARGET-GPU: $wrong is refused and says which exist" "$(echo "$text" | grep -oE '"(message|details)":"[^"]*"|HTTP [0-9]+' | tr '\n' ' ')" \
      eval '[[ "$text" == *"HTTP 400"* && "$text" == *0*1*2*3* ]]'
  done
  text=$(get /queue/all | jq -c '.queues[] | {gpu: .gpu_id, running: .running_count, pending: .pending_count}' | tr '\n' ' ')
  holds 2 "the watch line of the guide" "$text" [ "$(echo "$text" | grep -o gpu | wc -l)" = 4 ]
}

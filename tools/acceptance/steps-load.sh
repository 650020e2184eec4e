# Sourced by run.sh: sections 3 to 5 and 8 of the operators' guide.

# burst COUNT GPUS: posts COUNT prompts to each of the first GPUS devices at once and waits for the last picture; the seconds.
burst() {
  local i gpu began ids="$work/ids"
  : >"$ids"
  for ((i = 0; i < $1; i++)); do
    for ((gpu = 0; gpu < $2; gpu++)); do
      seeds=$((seeds + 1))
      workflow 20 512 "$seeds" >"$work/body-$seeds.json"
      echo "$gpu $work/body-$seeds.json"
    done
  done >"$work/posts"
  began=$(now)
  xargs -P 40 -L 1 bash -c 'curl -sS -m 60 -X POST "$0" -H "X-TARGET-GPU: $1" -d "@$2" | jq -r ".prompt_id // \"refused\""' "$(url /prompt)" \
    <"$work/posts" >"$ids"
  until_ok 900 idle
  took=$(since "$began")
  rm -f "$work"/body-*.json
}
seeds=10000
took=

# section_3 runs on simulated devices: four devices that really work in parallel, which two cores cannot be.
section_3() {
  local one four accepted good ratio try
  burst 1 4
  for try in 1 2; do # once more if others kept the cores busy: that can only make it slower
    burst 10 1
    one=$took
    burst 10 4
    four=$took
    ratio=$(awk -v one="$one" -v four="$four" 'BEGIN { printf "%.2f", 4 * one / four }')
    if less 3.5 "$ratio"; then break; fi
  done
  accepted=$(grep -cv refused "$work/ids")
  good=0
  for id in $(grep -v refused "$work/ids"); do
    if [ "$(outcome "$id")" = success ]; then good=$((good + 1)); fi
  done
  holds 3 "40 prompts, 10 to each GPU, posted at the same time" "$accepted accepted, $good ended in success" equal "$accepted $good" "40 40"
  holds 3 "throughput of 4 over 1, same work per GPU" "10 on one GPU in $one s, 40 on four in $four s, to the last finished picture: $ratio (at least 3.5)" less 3.5 "$ratio"
  local figures='📊 \[GPU [0-9]\] tasks=[0-9]+, success=[0-9.]+%, queue=[0-9.]+, wait=[0-9]+ms, exec=[0-9]+ms, oom=[0-9]+'
  holds 3 "each GPU logs its figures" "$(grep -oE "$figures" "$log" | tail -1)" \
    equal 4 "$(grep -oE "$figures" "$log" | grep -oE 'GPU [0-9]' | sort -u | wc -l)"
}

section_4() {
  local nginx
  nginx=$(command -v nginx || ls /usr/sbin/nginx 2>/dev/null) || {
    verdict 4 "nginx" skipped "no nginx is installed"
    return 0
  }
  local folder="$work/nginx" i
  mkdir -p "$folder/logs"
  cp "$home/config/nginx/quartet-location.conf" "$folder/"
  {
    printf 'pid %s/pid;\nerror_log %s/logs/error.log;\nevents {}\nhttp {\naccess_log off;\n' "$folder" "$folder"
    for i in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/%s;\n' "$i" "$folder" "$i"; done
    sed -e "s|/etc/nginx/quartet-location.conf|$folder/quartet-location.conf|" -e "s|127.0.0.1:8188|127.0.0.1:$port|" \
      -e "s|listen 8181;|listen 127.0.0.1:$((port - 7));|" -e "s|listen 8182;|listen 127.0.0.1:$((port - 6));|" \
      -e "s|listen 8183;|listen 127.0.0.1:$((port - 5));|" -e "s|listen 8184;|listen 127.0.0.1:$((port - 4));|" "$home/config/nginx/quartet.conf"
    echo '}'
  } >"$folder/nginx.conf"
  holds 4 "nginx -t" "$("$nginx" -t -p "$folder" -c "$folder/nginx.conf" 2>&1 | grep -o 'test is successful' || echo 'test failed')" \
    "$nginx" -t -p "$folder" -c "$folder/nginx.conf"
  "$nginx" -p "$folder" -c "$folder/nginx.conf" -g 'daemon off;' >/dev/null 2>&1 &
  proxy=$!
  until_ok 20 curl -sf "http://127.0.0.1:$((port - 7))/queue"
  local seen=
  for i in 1 2 3 4; do seen+="$(curl -s "http://127.0.0.1:$((port - 8 + i))/queue" | jq .gpu_id) "; done
  holds 4 "GET /queue through each port" "gpu_id $seen" equal "$seen" "0 1 2 3 "
  for i in 1 2 3 4; do
    local id
    id=$(curl -sS -m 30 -X POST "http://127.0.0.1:$((port - 8 + i))/prompt" -d "$(workflow 2 64 "40$i")" | jq -r .prompt_id)
    holds 4 "a prompt through the port of GPU $((i - 1))" "$(done_within 60 "$id"), routed to GPU $((i - 1))" logged "Routing prompt $id to GPU $((i - 1))"
  done
  seen=$(get /queue | jq -c 'has("gpu_id")')
  holds 4 "GET /queue without the header answers as ComfyUI" "has gpu_id: $seen" equal "$seen" false
  seen=$(curl -sN -m 3 --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: cXVhcnRldHF1YXJ0ZXQhIQ==' "http://127.0.0.1:$((port - 6))/ws?clientId=through-nginx" 2>/dev/null | tr -dc '[:print:]' | grep -o '{"type".*}' || true)
  holds 4 "a WebSocket through nginx" "$(echo "$seen" | cut -c1-90)" eval '[[ "$seen" == *through-nginx* ]]'
  seen=$("$home/quartet" doctor --base-directory "$base" --port "$((port + 1))" --proxy "http://127.0.0.1:$((port - 7))" --proxy "$(url "")" | grep -A1 Proxy | tr -s ' \n' ' ')
  holds 7 "doctor tells a port that names a GPU from one that does not" "$seen" \
    eval '[[ "$seen" == *"stands for GPU 0"* && "$seen" == *"sets no X-TARGET-GPU"* ]]'
}
proxy=

# Before anything else has run on this server: the first prompts of a model are what is measured.
section_5_memory() {
  local gpu id one four
  id=$(post "$(workflow 2 64 51)" 'X-TARGET-GPU: 0')
  done_within 120 "$id" >/dev/null
  one=$(rss_kb)
  for gpu in 1 2 3; do
    id=$(post "$(workflow 2 64 51)" "X-TARGET-GPU: $gpu")
    done_within 120 "$id" >/dev/null
  done
  four=$(rss_kb)
  holds 5.1 "RAM is shared" "RSS $((one / 1024)) MB after GPU 0, $((four / 1024)) MB after all four: $(awk -v a="$one" -v b="$four" 'BEGIN { printf "%+.1f", (b / a - 1) * 100 }') % (under 10 %)" \
    less "$((four - one))" "$((one / 10))"
  holds 5.1 "one mapping of the checkpoint" "$(grep -c 'mapped once for all devices' "$log") time mapped" equal 1 "$(grep -c 'mapped once for all devices' "$log")"
}

# Four copies of the checkpoint that nobody has read yet; the log tells how long each device took to have it.
section_5_load() {
  local copy file gpu id disk ram
  for copy in second third fourth fifth; do
    file="$base/models/checkpoints/$copy.safetensors"
    cp "$base/models/checkpoints/quartet-demo.safetensors" "$file"
    sync "$file"
    dd if="$file" iflag=nocache count=0 status=none # out of the page cache
    for gpu in 0 1; do
      id=$(post "$(workflow 1 64 52 "$copy.safetensors")" "X-TARGET-GPU: $gpu")
      done_within 120 "$id" >/dev/null
    done
  done
  disk=$(ready_millis 0)
  ram=$(ready_millis 1)
  holds 5.2 "the second load is fast" "four checkpoints of 22 MB that were not in memory: $disk ms on GPU 0 (from the disk), then $ram ms on GPU 1 (from RAM), at least 3 times faster" \
    less "$((3 * ram))" "$disk"
}

# ready_millis GPU: what the loads of the copies took together.
ready_millis() {
  grep -oE "\[cpu:$1\] (second|third|fourth|fifth).safetensors ready in [0-9]+ ms" "$log" | awk '{ sum += $(NF - 1) } END { print sum + 0 }'
}

section_5_isolation() {
  local i id began count
  for ((i = 0; i < 20; i++)); do
    curl -sS -m 30 -X POST "http://127.0.0.1:$((port - 7))/prompt" -d "$(workflow 60 256 $((5300 + i)))" >/dev/null
  done
  count=$(get /queue/all | jq -c '[.queues[] | .running_count + .pending_count]')
  holds 5.3 "20 prompts to the port of GPU 0 wait there alone" "running and pending: $count" equal "$count" "[20,0,0,0]"
  began=$(now)
  id=$(post "$(workflow 2 64 5399)" 'X-TARGET-GPU: 1')
  until_ok 60 logged_pattern "Prompt $id executed"
  i=$(get /queue/all | jq '.queues[0] | .running_count + .pending_count')
  holds 5.3 "one for GPU 1 starts at once" "ended after $(since "$began") s with $i of 20 left on GPU 0" less 15 "$i"
  curl -sS -X POST "$(url /queue)" -d '{"clear": true}' >/dev/null
  curl -sS -X POST "$(url /interrupt)" -d '' >/dev/null
  until_ok 60 idle
}

section_5_oom() {
  local huge neighbour id text
  neighbour=$(post "$(workflow 400 512 54)" 'X-TARGET-GPU: 1')
  huge=$(workflow 20 512 55 | jq -c '."5".inputs={width: 4096, height: 4096, batch_size: 16}')
  id=$(post "$huge" 'X-TARGET-GPU: 0')
  text=$(done_within 300 "$id")
  holds 5.4 "4096x4096, batch 16: the cache is cleared, and it is tried again" \
    "$(grep -oE '💥 \[GPU 0\] OOM for prompt|✅ \[GPU 0\] Cache cleared, retrying...' "$log" | sort -u | tr '\n' ' ')" \
    eval 'logged "💥 [GPU 0] OOM for prompt $id, clearing cache" && logged "✅ [GPU 0] Cache cleared, retrying..."'
  holds 5.4 "success, or one clear error" "$text: $(get "/history/$id" | jq -r --arg id "$id" '[.[$id].status.messages[] | select(.[0] == "execution_error") | .[1].exception_message][0] // "a smaller plan"' | head -c 160)" \
    eval '[ "$text" = success ] || [ "$text" = error ]'
  holds 5.4 "the other GPUs never notice" "the prompt on GPU 1 meanwhile: $(done_within 120 "$neighbour")" equal success "$(outcome "$neighbour")"
  id=$(post "$(workflow 20 512 56)" 'X-TARGET-GPU: 0')
  text=$(done_within 60 "$id")
  holds 5.4 "GPU 0 takes its next prompt" "$text" equal "$text" success
  text=$(curl -sS -w ' HTTP %{http_code}' -X POST "$(url /prompt)" -d '{"5":{"inputs":{"width":4096,"height":4096,"batch_size":16},"class_type":"EmptyLatentImage"}}')
  holds 5.4 "node 5 alone has no output" "$(echo "$text" | grep -oE '"type":"[^"]*"|HTTP [0-9]+' | tr '\n' ' ')" \
    eval '[[ "$text" == *prompt_no_outputs* && "$text" == *"HTTP 400"* ]]'
}

section_8() {
  local code=0 text
  "$home/quartet" report "$home/docs/examples/landscape.json" --server "$(url "")" --gpus 4 --per-gpu 10 --output "$work/report" >"$work/report.out" 2>&1 || code=$?
  text=$(jq -r '[.rows[] | "\(.name) \(.verdict)"] | join(", ")' "$work/report/report.json" 2>/dev/null)
  holds 8 "quartet report" "exit $code; ${text:-no report}" equal "$code" 0
  for name in report.md report.html report.json; do
    holds 8 "$name" "$(wc -c <"$work/report/$name" 2>/dev/null) bytes" [ -s "$work/report/$name" ]
  done
}

section_9() {
  if ! command -v systemd-analyze >/dev/null; then
    verdict 9 "systemd-analyze verify" skipped "systemd is not installed"
    return 0
  fi
  local unit="$work/quartet.service" text
  sed -e "s|/opt/quartet|$home|g" -e 's/^User=.*/User=root/' "$home/config/systemd/quartet.service" >"$unit"
  text=$(systemd-analyze verify --recursive-errors=no "$unit" 2>&1) || true
  holds 9 "systemd-analyze verify" "${text:-nothing to say}" [ -z "$text" ]
  holds 9 "the unit restarts always, after 10 s, with the guide's environment" "$(grep -E '^(Restart|RestartSec|Environment)=' "$unit" | tr '\n' ' ')" \
    eval 'grep -q ^Restart=always "$unit" && grep -q ^RestartSec=10 "$unit" && grep -q ^Environment=COMFY_NUM_GPUS=4 "$unit"'
  if command -v logrotate >/dev/null; then
    text=$(logrotate -d -s "$work/logrotate.state" "$home/config/logrotate/quartet" 2>&1 | grep -i '^error' || true)
    holds 9 "logrotate -d" "${text:-no error}" [ -z "$text" ]
  else
    verdict 9 "logrotate -d" skipped "logrotate is not installed"
  fi
  if command -v promtool >/dev/null; then
    text=$(promtool check rules "$home/config/prometheus/alerts.yml" 2>&1 | tr '\n' ' ')
    holds 9 "promtool check rules" "${text##*alerts.yml}" promtool check rules "$home/config/prometheus/alerts.yml"
  else
    verdict 9 "promtool check rules" skipped "promtool is not installed"
  fi
}

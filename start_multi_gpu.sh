#!/usr/bin/env bash
# Starts the server on several GPUs of this machine. Settings come from the environment:
#   COMFY_MULTI_GPU_SCHED  1 = several GPUs (default), 0 = the first one only
#   COMFY_NUM_GPUS         how many (default: all that exist; without a GPU, virtual CPU devices)
#   CUDA_VISIBLE_DEVICES   which ones, as CUDA numbers them
# Further arguments go to `quartet serve`, for example --port 8188 --listen 0.0.0.0 --no-auth.
set -euo pipefail
export COMFY_MULTI_GPU_SCHED="${COMFY_MULTI_GPU_SCHED:-1}"
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/quartet" serve "$@"

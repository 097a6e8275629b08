#!/usr/bin/env bash
# benchmarks/train.py on a CUDA machine, from a bare checkout: makes .venv from requirements-gpu.lock where it is missing, then
# measures every model on JAX and on TensorFlow, each in bfloat16. One JSON line each on stdout; what fails is a line on stderr.
#   benchmarks/gpu.sh                            original, dfaker at their own sizes, 64 faces of each person, a minute each
#   benchmarks/gpu.sh --models "original" --batch 128 --seconds 30
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
models="original dfaker" batch=64 seconds=60
stop() { echo "gpu: $*" >&2; exit 2; }
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || stop "expected a value after $1"
  case $1 in
    --models) models=$2 ;;
    --batch) batch=$2 ;;
    --seconds) seconds=$2 ;;
    *) stop "expected --models, --batch or --seconds, got $1" ;;
  esac
  shift 2
done

command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader >&2 ||
  stop "expected an NVIDIA GPU with its driver, found none (nvidia-smi); benchmarks/train.py measures a processor"
export SWAPCORE_LOCK=requirements-gpu.lock
# JAX takes three quarters of the memory when it starts; the peak could not be read, and TensorFlow's turn needs it too
export XLA_PYTHON_CLIENT_PREALLOCATE=false
failed=0
for model in $models; do
  for backend in jax tensorflow; do
    "$root/run" python "$root/benchmarks/train.py" --gpu --backend "$backend" --model "$model" --batch "$batch" \
      --seconds "$seconds" --steps 16 || { echo "gpu: $model on $backend failed; see above" >&2; failed=1; }
  done
done
exit $failed

#!/usr/bin/env bash
# Everything that is to be known of a GPU, in one go: correctness first, then the tables.
#
#   PEER_PYTHON=target/torch/bin/python benches/gpu.sh cuda|wgpu [ARGUMENTS OF THE BENCHMARK]
#
# On a software driver, to see that it works, with kernels that are not chosen by measuring, which would take each program a quarter
# of an hour there:
#   benches/gpu.sh wgpu-untuned --weights tests/golden/extractors/sscd.safetensors --size 64 --batches 1,2 --side 96 \
#       --steps 2 --runs 1 --vectors 0
set -euo pipefail
cd "$(dirname "$0")/.."
device="${1:?cuda or wgpu}"
shift
features="cli/$device,tests/$device"
printf '%s\n' "--- devices"
cargo build --release --workspace --features "$features" --bin active-index
"${CARGO_TARGET_DIR:-target}/release/active-index" devices
printf '%s\n' "--- parity"
cargo test --release --workspace --features "$features" --test it device::
printf '%s\n' "--- speed"
cargo bench --workspace --features "$features,benches/$device" --bench device -- --device "${device%-untuned}" "$@"

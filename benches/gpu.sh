#!/usr/bin/env bash
# Everything that is to be known of a GPU, in one go: correctness first, then one table.
#
#   PEER_PYTHON=target/torch/bin/python benches/gpu.sh cuda|wgpu [ARGUMENTS OF THE BENCHMARK]
set -euo pipefail
cd "$(dirname "$0")/.."
device="${1:?cuda or wgpu}"
shift
features="cli/$device,tests/$device,benches/$device"
cargo run --release --workspace --features "$features" --bin active-index -- devices
cargo test --release --workspace --features "$features" --test it device::
cargo bench --workspace --features "$features" --bench device -- --device "$device" "$@"

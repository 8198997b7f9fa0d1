#!/usr/bin/env bash
# Correctness tests and speed tables of a GPU in one run.
#
#   PEER_PYTHON=target/torch/bin/python benches/gpu.sh cuda|wgpu [ARGUMENTS OF THE BENCHMARK]
#
# For a GPU machine without Rust or internet: build here, run there, from the project's folder with the weights in weights/.
#
#   benches/gpu.sh pack FOLDER cuda|wgpu
#   PEER_PYTHON=python3 benches/gpu.sh packed FOLDER cuda|wgpu [ARGUMENTS OF THE BENCHMARK]
#
# On a software driver, to check that the script works; kernels are not timed, because timing takes each program a quarter of an hour
# there:
#
#   benches/gpu.sh wgpu-untuned --weights tests/golden/extractors/sscd.safetensors --size 64 --batches 1,2 --side 96 \
#       --steps 2 --runs 1 --vectors 0
set -euo pipefail
cd "$(dirname "$0")/.."

# Builds a test or benchmark program, shows the build's output, and copies the program.
built() {
    local to=$1 path
    shift
    path=$("$@" --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable .*(\(.*\))$/\1/p')
    cp "$path" "$to"
}

# The three programs: the command line, the tests, the benchmark.
pack() {
    local folder=$1 options=(--locked --workspace --features "cli/$2,benches/$2")
    mkdir -p "$folder"
    cargo build --release "${options[@]}" --bin active-index
    cp "${CARGO_TARGET_DIR:-target}/release/active-index" "$folder"
    built "$folder/it" cargo test --release "${options[@]}" --test it
    built "$folder/device" cargo bench "${options[@]}" --bench device
    strip "$folder"/{active-index,it,device}
    du -h "$folder"/*
}

# Runs the programs of the folder; a failure of one does not stop the next.
run() {
    local folder=$1 device=$2 failed=0
    shift 2
    export ACTIVE_INDEX_ROOT="$PWD" ACTIVE_INDEX_PROGRAM
    ACTIVE_INDEX_PROGRAM="$(realpath "$folder")/active-index"
    part() {
        printf '%s\n' "--- $1"
        if [[ -x $folder/$2 ]]; then
            "$folder/$2" "${@:3}" || failed=1
        else
            echo "SKIPPED: $folder has no $2"
        fi
    }
    part devices active-index devices
    part parity it device::
    part speed device --device "$device" "$@"
    return "$failed"
}

case "${1:?cuda, wgpu, pack or packed}" in
pack) pack "${2:?a folder}" "${3:?cuda or wgpu}" ;;
packed) run "${2:?a folder}" "${3:?cuda or wgpu}" "${@:4}" ;;
*)
    pack target/gpu "$1"
    run target/gpu "${1%-untuned}" "${@:2}"
    ;;
esac

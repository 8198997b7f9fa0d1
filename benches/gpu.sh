#!/usr/bin/env bash
# Everything that is to be known of a GPU, in one go: correctness first, then the tables.
#
#   PEER_PYTHON=target/torch/bin/python benches/gpu.sh cuda|wgpu [ARGUMENTS OF THE BENCHMARK]
#
# For a GPU's machine without Rust or internet: built here, run there, from the project's folder with the weights in weights/.
#
#   benches/gpu.sh pack FOLDER cuda|wgpu
#   PEER_PYTHON=python3 benches/gpu.sh packed FOLDER cuda|wgpu [ARGUMENTS OF THE BENCHMARK]
#
# On a software driver, to see that it works, with kernels that are not chosen by measuring, which would take each program a quarter
# of an hour there:
#
#   benches/gpu.sh wgpu-untuned --weights tests/golden/extractors/sscd.safetensors --size 64 --batches 1,2 --side 96 \
#       --steps 2 --runs 1 --vectors 0
set -euo pipefail
cd "$(dirname "$0")/.."

# Builds a program that is no binary of the package, shows how that goes, and copies it.
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

# Runs what the folder has, and goes on where one of them fails: a failure of the first must not cost the figures of the last.
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

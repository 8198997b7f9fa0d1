#!/bin/sh
# Lays the index files that faiss wrote for the tests before the fuzzer, as the first inputs that it changes.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/index_file
# Inputs are mutated whole: large ones, which are mostly codewords, slow it down.
find ../tests/golden/indexes ../crates/index/tests/index/faiss -name '*.index' -size -64k \
    -exec cp {} corpus/index_file/ \;

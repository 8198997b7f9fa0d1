#!/bin/sh
# Lays files that the tests have of other programs before the fuzzer, as the first inputs that it changes.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/index_file
# Inputs are mutated whole: large ones, which are mostly codewords, slow it down.
find ../tests/golden/indexes ../crates/index/tests/index/faiss -name '*.index' -size -64k \
    -exec cp {} corpus/index_file/ \;

# Weights in every format, and the pickles that the archives hold.
mkdir -p corpus/weights_file
find ../tests/golden/extractors -type f -size -128k ! -name '*.npz' ! -name '*.json' -exec cp {} corpus/weights_file/ \;
for archive in ../tests/golden/extractors/*.pt ../tests/golden/extractors/*.pth*; do
    unzip -p "$archive" '*/data.pkl' > "corpus/weights_file/$(basename "$archive").pkl"
done

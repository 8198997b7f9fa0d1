#!/bin/sh
# Lays the files that the tests have before the fuzzer, as the first inputs that it changes: index files that faiss
# wrote, weights in every format, and the corpus of awkward images.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/index_file corpus/image_file
# Inputs are mutated whole: large ones, which are mostly codewords, slow it down.
find ../tests/golden/indexes ../crates/index/tests/index/faiss -name '*.index' -size -64k \
    -exec cp {} corpus/index_file/ \;
unzip -qoj ../tests/images/corpus.zip 'files/*' -d corpus/image_file

# Weights in every format, and the pickles that the archives hold.
mkdir -p corpus/weights_file
find ../tests/golden/extractors -type f -size -128k ! -name '*.npz' ! -name '*.json' -exec cp {} corpus/weights_file/ \;
for archive in ../tests/golden/extractors/*.pt ../tests/golden/extractors/*.pth*; do
    unzip -p "$archive" '*/data.pkl' > "corpus/weights_file/$(basename "$archive").pkl"
done

#!/bin/sh
# Copies the files of the tests into the fuzzer's corpus: index files written by faiss, weights in every format, and the corpus of
# unusual images.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/index_file corpus/image_file
# Inputs are mutated as a whole; large ones, which are mostly codewords, are slow.
find ../tests/golden/indexes ../crates/index/tests/index/faiss -name '*.index' -size -64k \
    -exec cp {} corpus/index_file/ \;
unzip -qoj ../tests/images/corpus.zip 'files/*' -d corpus/image_file
find ../tests/images/findings -type f -exec cp {} corpus/image_file/ \; 2>/dev/null || true

# Weights in every format, and the pickles inside the archives.
mkdir -p corpus/weights_file
find ../tests/golden/extractors -type f -size -128k ! -name '*.npz' ! -name '*.json' -exec cp {} corpus/weights_file/ \;
for archive in ../tests/golden/extractors/*.pt ../tests/golden/extractors/*.pth*; do
    unzip -p "$archive" '*/data.pkl' > "corpus/weights_file/$(basename "$archive").pkl"
done

#!/bin/sh
# Lays the files that the tests have before the fuzzer, as the first inputs that it changes: index files that faiss
# wrote, and the corpus of awkward images.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/index_file corpus/image_file
# Inputs are mutated whole: large ones, which are mostly codewords, slow it down.
find ../tests/golden/indexes ../crates/index/tests/index/faiss -name '*.index' -size -64k \
    -exec cp {} corpus/index_file/ \;
unzip -qoj ../tests/images/corpus.zip 'files/*' -d corpus/image_file

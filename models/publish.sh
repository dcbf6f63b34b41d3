#!/bin/sh
# Copies what models/make.sh wrote to FOLDER into this folder.
#
#   models/publish.sh FOLDER
set -eu
out=$1
models=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$models/depinfer-tiny" "$models/depinfer-nano"
for type in q8_0 q4_k_m; do cp "$out/depinfer-tiny.$type.gguf" "$models/depinfer-tiny/"; done
cp "$out/depinfer-nano.q8_0.gguf" "$models/depinfer-nano/"
cp "$out/data/tokenizer.json" "$out/README.md" "$out/SAMPLES.md" "$models/depinfer-tiny/"

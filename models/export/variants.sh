#!/bin/sh
# Writes a trained model as GGUF: f32, and quantised by the llama.cpp library that node-llama-cpp ships.
#
#   export/variants.sh FOLDER tiny "Depinfer Tiny"     reads FOLDER/tiny, writes FOLDER/depinfer-tiny.*.gguf
set -eu
out=$1 size=$2 name=$3
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
library=$(node "$here/library.ts")
file=$out/depinfer-$size
"$python" "$here/export.py" --run "$out/$size" --tokenizer "$out/data/tokenizer.json" --name "$name" --out "$file.f32.gguf"
for type in q8_0 q6_k q4_k_m; do
  "$python" "$here/quantise.py" --library "$library" "$file.f32.gguf" "$file.$type.gguf" "$type" > "$file.$type.log" 2>&1
done

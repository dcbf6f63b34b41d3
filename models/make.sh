#!/bin/sh
# Makes both test models from nothing: corpus, tokenizer, training, export, evaluation and cards.
#
#   models/make.sh FOLDER [MINUTES]
#
# FOLDER is created and must not exist; MINUTES is the time that training the larger model may take (default 52).
# Needs Node 24 with the workspace's packages, Python 3 with PyTorch >= 1.13 and NumPy, and g++
# (Debian: python3-torch python3-numpy g++). Everything is written to FOLDER; models/publish.sh copies it here.
set -eu
out=$1
minutes=${2:-52}
models=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
export OMP_NUM_THREADS=1 # threads compute whole micro-batches, see train/train.py

if [ -e "$out" ]; then
  echo "$out exists; name a new folder." >&2
  exit 1
fi
mkdir -p "$out/data" "$out/tiny" "$out/nano"
out=$(cd "$out" && pwd)
cd "$models"

node corpus/generate.ts --out "$out/data" --conversations 700000 --first 80000 --held 3000 --seed 1
node tokenizer/encode.ts --data "$out/data"

"$python" train/train.py --data "$out/data" --first "$out/data/first" --out "$out/tiny" --minutes "$minutes" --layers 6 --ffn 512 --threads 2
"$python" train/train.py --data "$out/data" --out "$out/nano" --minutes 4 --layers 1 --ffn 256 --threads 1 > "$out/nano.log" &
nano=$!

sh export/variants.sh "$out" tiny "Depinfer Tiny"
node evaluate/tokenizer.ts --model "$out/depinfer-tiny.f32.gguf" --data "$out/data" | tee "$out/tokenizer.txt"
node evaluate/logits.ts --model "$out/depinfer-tiny.f32.gguf" --data "$out/data" --out "$out/logits.json"
"$python" train/compare.py --run "$out/tiny" "$out/logits.json" | tee "$out/logits.txt"

tiny=$out/depinfer-tiny.q8_0.gguf
node evaluate/evaluate.ts --model "$tiny" --held "$out/data/test.jsonl" --limit 2000 --mistakes 60 --out "$out/test.json" | tee "$out/test.txt"
node evaluate/evaluate.ts --model "$tiny" --held "$out/data/probe.jsonl" --mistakes 80 --out "$out/probe.json" | tee "$out/probe.txt"
node evaluate/evaluate.ts --model "$tiny" --held "$out/data/test.jsonl" --task story --limit 100 --temperature 0.7 --out "$out/stories.json"
wait "$nano"
sh export/variants.sh "$out" nano "Depinfer Nano"
for file in depinfer-tiny.f32 depinfer-tiny.q8_0 depinfer-tiny.q6_k depinfer-tiny.q4_k_m depinfer-nano.q8_0; do
  node evaluate/evaluate.ts --model "$out/$file.gguf" --held "$out/data/test.jsonl" --limit 300 --out "$out/$file.json"
done
node evaluate/speed.ts --model "$tiny" | tee "$out/speed.txt"
node evaluate/samples.ts --model "$tiny" > "$out/SAMPLES.md"
node evaluate/card.ts --run "$out" > "$out/README.md"

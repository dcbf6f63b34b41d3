"""Compares logits written by evaluate/logits.ts with those of the PyTorch checkpoint.

    python3 train/compare.py --run DIR logits.json
"""
import argparse
import json

import torch

import plain
from model import Config, Llama

p = argparse.ArgumentParser()
p.add_argument("logits")
p.add_argument("--run", required=True)
args = p.parse_args()
model = Llama(Config.load(args.run + "/config.json"))
model.load_state_dict(torch.load(args.run + "/last.pt", map_location="cpu"))
with open(args.logits) as file:
    items = json.load(file)
differences, agree, positions = [], 0, 0
with torch.no_grad():
    for item in items:
        ours = plain.logits(model, torch.tensor(item["tokens"]))
        for position, pairs in enumerate(item["top"]):
            differences += [abs(ours[position, token].item() - logit) for token, logit in pairs]
            agree += int(ours[position].argmax()) == pairs[0][0]
            positions += 1
mean = sum(differences) / len(differences)
print(f"{len(differences)} logits: mean difference {mean:.5f}, largest {max(differences):.5f}; same best token at {agree} of {positions} positions")

"""Writes a checkpoint as GGUF.

    python3 export/export.py --run DIR --tokenizer tokenizer.json --name "Depinfer Tiny" --out depinfer-tiny.f32.gguf

The model rotates adjacent pairs, as llama.cpp does for the architecture `llama`, so no row is permuted.
"""
import argparse
import json

import numpy as np
import torch

import gguf

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
NORMAL, CONTROL = 1, 3  # token types of GGUF
HEAD = 32  # dimensions of an attention head, as in train/model.py


def metadata(config, tokenizer, name, context, trained):
    control = len(tokenizer["special"])
    return {
        "general.architecture": "llama",
        "general.name": name,
        "general.description": f"A very small test model trained on generated text; trained on at most {trained} tokens of context.",
        "general.license": "apache-2.0",
        "general.file_type": 0,  # all f32
        "llama.context_length": context,
        "llama.embedding_length": config["dim"],
        "llama.block_count": config["layers"],
        "llama.feed_forward_length": config["ffn"],
        "llama.rope.dimension_count": HEAD,
        "llama.rope.freq_base": float(config["rope_theta"]),
        "llama.attention.head_count": config["dim"] // HEAD,
        "llama.attention.head_count_kv": config["dim"] // HEAD,
        "llama.attention.layer_norm_rms_epsilon": float(config["norm_eps"]),
        "llama.vocab_size": config["vocab"],
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokenizer["tokens"],
        "tokenizer.ggml.token_type": [CONTROL] * control + [NORMAL] * (len(tokenizer["tokens"]) - control),
        "tokenizer.ggml.merges": [f"{left} {right}" for left, right in tokenizer["merges"]],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.eot_token_id": 2,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def tensors(state, layers):
    out = {"token_embd.weight": state["embed"], "output_norm.weight": state["norm"], "output.weight": state["head"]}
    for i in range(layers):
        part = lambda name: state[f"blocks.{i}.{name}"]
        q, k, v = part("qkv").chunk(3)
        gate, up = part("gate_up").chunk(2)
        named = {"attn_norm": part("attn_norm"), "attn_q": q, "attn_k": k, "attn_v": v, "attn_output": part("out")}
        named |= {"ffn_norm": part("ffn_norm"), "ffn_gate": gate, "ffn_up": up, "ffn_down": part("down")}
        out |= {f"blk.{i}.{name}.weight": tensor for name, tensor in named.items()}
    return {name: tensor.numpy().astype(np.float32) for name, tensor in out.items()}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--run", required=True)
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--name", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--context", type=int, default=1024)
    p.add_argument("--trained", type=int, default=384, help="length of the longest conversation of training")
    args = p.parse_args()
    with open(args.run + "/config.json") as file:
        config = json.load(file)
    with open(args.tokenizer) as file:
        tokenizer = json.load(file)
    state = torch.load(args.run + "/last.pt", map_location="cpu")
    gguf.write(args.out, metadata(config, tokenizer, args.name, args.context, args.trained), tensors(state, config["layers"]))


if __name__ == "__main__":
    main()

"""A small Llama-architecture decoder for training, written to match llama.cpp's `llama` graph exactly.

Pre-norm RMSNorm, rotary positions on adjacent pairs (GGML's NORM layout, so exported query and key rows need no
permutation), SwiGLU feed-forward, no biases, untied output.
"""
import json
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn

import fused

HEAD = 32  # dimensions of an attention head, as in kernels/attention.cpp


@dataclass
class Config:
    vocab: int = 2048
    dim: int = 256
    layers: int = 4
    ffn: int = 512
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def heads(self):
        return self.dim // HEAD

    def save(self, path):
        with open(path, "w") as file:
            json.dump(asdict(self), file, indent=2)

    @staticmethod
    def load(path):
        with open(path) as file:
            return Config(**json.load(file))


def rope_table(length, theta):
    """cos, then sin of position · theta^(−2k/HEAD): [length, HEAD] float32."""
    frequencies = theta ** (-torch.arange(0, HEAD, 2).double() / HEAD)
    angles = torch.outer(torch.arange(length).double(), frequencies)
    return torch.cat([angles.cos(), angles.sin()], -1).float().contiguous()


def matrix(rows, columns, std):
    return nn.Parameter(torch.randn(rows, columns) * std)


class Block(nn.Module):
    """Weights of one layer; `qkv` holds wq, wk, wv one below the other, `gate_up` the gate and the up projection."""

    def __init__(self, c):
        super().__init__()
        self.attn_norm = nn.Parameter(torch.ones(c.dim))
        self.qkv = matrix(3 * c.dim, c.dim, c.dim**-0.5)
        self.out = nn.Parameter(torch.zeros(c.dim, c.dim))  # each block starts as the identity
        self.ffn_norm = nn.Parameter(torch.ones(c.dim))
        self.gate_up = matrix(2 * c.ffn, c.dim, c.dim**-0.5)
        self.down = nn.Parameter(torch.zeros(c.dim, c.ffn))


class Llama(nn.Module):
    def __init__(self, c, longest=1024):
        super().__init__()
        self.config = c
        self.embed = matrix(c.vocab, c.dim, 0.5)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = nn.Parameter(torch.ones(c.dim))
        self.head = matrix(c.vocab, c.dim, 0.02)
        self.table = rope_table(longest, c.rope_theta)

    def hidden(self, tokens, starts):
        """Normalised last states [N, dim] bfloat16 for packed token ids [N] of conversations that begin at `starts`."""
        c = self.config
        x = nn.functional.embedding(tokens, self.embed)
        delta = torch.zeros(x.shape, dtype=torch.bfloat16)
        for block in self.blocks:
            x, h = fused.AddNorm.apply(x, delta, block.attn_norm, c.norm_eps)
            delta = fused.linear(fused.Attention.apply(fused.linear(h, block.qkv), starts, self.table, c.heads), block.out)
            x, h = fused.AddNorm.apply(x, delta, block.ffn_norm, c.norm_eps)
            delta = fused.linear(fused.SwiGlu.apply(fused.linear(h, block.gate_up)), block.down)
        return fused.AddNorm.apply(x, delta, self.norm, c.norm_eps)[1]

    def loss(self, tokens, starts, targets, weights):
        """Σ weight · cross-entropy in nats over the tokens with weight > 0; targets and weights [N]."""
        chosen = weights > 0
        logits = fused.linear(self.hidden(tokens, starts)[chosen], self.head)
        return fused.CrossEntropy.apply(logits, targets[chosen], weights[chosen])

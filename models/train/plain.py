"""The model in ordinary float32 PyTorch, one conversation at a time: what fused kernels and exports are compared with."""
import torch
import torch.nn.functional as F

from model import HEAD


def norm(x, gain, epsilon):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * gain


def rotate(x, table):
    """Rotates adjacent pairs of x [heads, time, HEAD] by the angles of table [time, HEAD] (cosines, then sines)."""
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    angles = torch.complex(*table.chunk(2, -1))
    return torch.view_as_real(pairs * angles).flatten(-2)


def logits(model, tokens):
    """Logits [time, vocabulary] float32 for token ids [time] of one conversation."""
    c, n = model.config, len(tokens)
    table = model.table[:n]
    mask = torch.full((n, n), float("-inf")).triu(1)
    x = F.embedding(tokens, model.embed)
    for block in model.blocks:
        heads = (norm(x, block.attn_norm, c.norm_eps) @ block.qkv.t()).view(n, 3, c.heads, HEAD).permute(1, 2, 0, 3)
        q, k, v = rotate(heads[0], table), rotate(heads[1], table), heads[2]
        mixed = (q @ k.transpose(1, 2) * HEAD**-0.5 + mask).softmax(-1) @ v
        x = x + mixed.transpose(0, 1).reshape(n, c.dim) @ block.out.t()
        gate, up = (norm(x, block.ffn_norm, c.norm_eps) @ block.gate_up.t()).chunk(2, -1)
        x = x + (F.silu(gate) * up) @ block.down.t()
    return norm(x, model.norm, c.norm_eps) @ model.head.t()

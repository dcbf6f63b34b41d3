"""Compares the fused, packed, bfloat16 training step with plain float32 PyTorch: loss and every gradient.

    python3 train/test_fused.py
"""
import torch
import torch.nn.functional as F

import plain
from model import Config, Llama

torch.manual_seed(1)
model = Llama(Config(vocab=512, layers=2, ffn=256))
for p in model.parameters():  # no zeros, or some gradients would be zero by construction
    if p.ndim == 2 and not p.abs().sum():
        torch.nn.init.normal_(p, std=0.05)
lengths = [1, 3, 37, 130, 16, 64]
starts = torch.tensor([0, *torch.tensor(lengths).cumsum(0)])
tokens = torch.randint(512, (sum(lengths),))
targets = torch.randint(512, (sum(lengths),))
weights = torch.randint(0, 3, (sum(lengths),)).float()

fast = model.loss(tokens, starts, targets, weights)
fast.backward()
gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
model.zero_grad()
slow = sum(
    (F.cross_entropy(plain.logits(model, tokens[a:b]), targets[a:b], reduction="none") * weights[a:b]).sum()
    for a, b in zip(starts[:-1].tolist(), starts[1:].tolist())
)
slow.backward()
print(f"loss {fast.item():.3f}, plain {slow.item():.3f}")
assert abs(fast.item() / slow.item() - 1) < 2e-3
for name, p in model.named_parameters():
    error = ((gradients[name] - p.grad).norm() / p.grad.norm()).item()
    print(f"{name:24} relative error of the gradient {error:.4f}")
    assert error < 0.03, name

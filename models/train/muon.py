"""Muon: momentum whose update is replaced by the nearest orthogonal matrix (K. Jordan, 2024)."""
import torch

# Coefficients of the quintic Newton–Schulz step of the original: fast, and close enough to orthogonal.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalise(gradient, steps=5):
    """The orthogonal factor of a matrix, approximately, computed in bfloat16."""
    x = (gradient / (gradient.norm() + 1e-7)).bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.t().contiguous() if tall else x
    for _ in range(steps):
        square = x @ x.t()
        x = A * x + (B * square + C * (square @ square)) @ x
    return (x.t() if tall else x).float()


class Muon:
    """Optimises matrices; `parts` says into how many square-ish matrices each parameter splits along its rows."""

    def __init__(self, params, parts, momentum=0.95, decay=0.01):
        self.params, self.parts, self.momentum, self.decay = params, parts, momentum, decay
        self.buffers = [torch.zeros_like(p) for p in params]

    def tasks(self, lr):
        """One callable per parameter, to be run in any order and in parallel."""
        return [lambda i=i: self.update(i, lr) for i in range(len(self.params))]

    @torch.no_grad()
    def update(self, i, lr):
        p, buffer = self.params[i], self.buffers[i]
        buffer.lerp_(p.grad, 1 - self.momentum)
        p.mul_(1 - lr * self.decay)
        for target, part in zip(p.chunk(self.parts[i]), p.grad.lerp(buffer, self.momentum).chunk(self.parts[i])):
            scale = max(1, part.shape[0] / part.shape[1]) ** 0.5
            target.add_(orthogonalise(part), alpha=-lr * scale)

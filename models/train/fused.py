"""The training step's operations on packed conversations: [N, width] tensors, no padding.

Matrix products run in bfloat16 where the processor has AMX tiles (oneDNN finds them; about 8 times the speed of
float32 there), else in float32. Everything between them is one fused kernel each, from kernels/, which is
compiled for this processor at the first import. `plain.py` says the same in ordinary PyTorch.
"""
import ctypes
import hashlib
import os
import subprocess
import tempfile

import torch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels")
SOURCES = [os.path.join(FOLDER, name) for name in ("bf16.h", "attention.cpp", "rows.cpp")]
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", "-shared", "-fPIC", "-std=c++17"]


def compile_library():
    """Compiles the kernels once per source and processor; returns the loaded library and whether there are AMX tiles."""
    with open("/proc/cpuinfo") as cpu:
        flags = next((line for line in cpu if line.startswith("flags")), "")
    key = hashlib.sha256((flags + " ".join(FLAGS)).encode())
    for source in SOURCES:
        with open(source, "rb") as file:
            key.update(file.read())
    path = os.path.join(tempfile.gettempdir(), f"depinfer-kernels-{os.getuid()}-{key.hexdigest()[:16]}.so")
    if not os.path.exists(path):
        partial = f"{path}.{os.getpid()}"
        subprocess.run(["g++", *FLAGS, *SOURCES[1:], "-o", partial], check=True)
        os.replace(partial, path)
    return ctypes.CDLL(path), " amx_bf16" in flags


LIBRARY, HAS_TILES = compile_library()


def call(name, *arguments):
    """Calls a kernel: tensors by address, ints as int64, floats as float32."""
    convert = lambda a: ctypes.c_void_p(a.data_ptr()) if torch.is_tensor(a) else ctypes.c_float(a) if isinstance(a, float) else ctypes.c_int64(a)
    getattr(LIBRARY, name)(*map(convert, arguments))


def linear(x, weight):
    """x [N, in] in bfloat16 times weight [out, in] in float32, transposed: [N, out] in bfloat16."""
    if HAS_TILES:
        return torch.nn.functional.linear(x, weight.bfloat16())
    return torch.nn.functional.linear(x.float(), weight).bfloat16()


class Attention(torch.autograd.Function):
    """Causal attention within each conversation, rotary positions on adjacent pairs.

    qkv [N, 3 · dim] bfloat16, starts [sequences + 1] int64, table [longest, 32] float32 (cosines, then sines)
    → [N, dim] bfloat16.
    """

    @staticmethod
    def forward(ctx, qkv, starts, table, heads):
        n, dim = qkv.shape[0], qkv.shape[1] // 3
        out, log_sums = qkv.new_empty(n, dim), torch.empty(n, heads)
        call("attention_forward", qkv, starts, len(starts) - 1, heads, table, out, log_sums)
        ctx.save_for_backward(qkv, starts, table, out, log_sums)
        ctx.heads = heads
        return out

    @staticmethod
    def backward(ctx, g_out):
        qkv, starts, table, out, log_sums = ctx.saved_tensors
        g_qkv = torch.empty_like(qkv)
        call("attention_backward", qkv, starts, len(starts) - 1, ctx.heads, table, out, log_sums, g_out.contiguous(), g_qkv)
        return g_qkv, None, None, None


class AddNorm(torch.autograd.Function):
    """sum = x + delta; returns sum [N, dim] float32 and RMSNorm(sum) · gain [N, dim] bfloat16."""

    @staticmethod
    def forward(ctx, x, delta, gain, epsilon):
        n, dim = x.shape
        total, normed, scales = torch.empty_like(x), torch.empty(n, dim, dtype=torch.bfloat16), torch.empty(n)
        call("add_norm_forward", x, delta, gain, total, normed, scales, n, dim, epsilon)
        ctx.save_for_backward(total, gain, scales)
        return total, normed

    @staticmethod
    def backward(ctx, g_sum, g_normed):
        total, gain, scales = ctx.saved_tensors
        g_x, g_delta, g_gain = torch.empty_like(total), torch.empty(total.shape, dtype=torch.bfloat16), torch.zeros_like(gain)
        call("add_norm_backward", total, gain, scales, g_sum.contiguous(), g_normed.contiguous(), g_x, g_delta, g_gain, *total.shape)
        return g_x, g_delta, g_gain, None


class SwiGlu(torch.autograd.Function):
    """silu(gate) · up for gate_up [N, 2 · width] bfloat16 → [N, width] bfloat16."""

    @staticmethod
    def forward(ctx, gate_up):
        n, width = gate_up.shape[0], gate_up.shape[1] // 2
        out = gate_up.new_empty(n, width)
        call("swiglu_forward", gate_up, out, n, width)
        ctx.save_for_backward(gate_up)
        return out

    @staticmethod
    def backward(ctx, g_out):
        (gate_up,) = ctx.saved_tensors
        g = torch.empty_like(gate_up)
        call("swiglu_backward", gate_up, g_out.contiguous(), g, gate_up.shape[0], gate_up.shape[1] // 2)
        return g


class CrossEntropy(torch.autograd.Function):
    """Σ weight · −log softmax(logits)[target] over rows. The logits [M, vocabulary] bfloat16 are overwritten."""

    @staticmethod
    def forward(ctx, logits, targets, weights):
        losses = torch.empty(len(targets))
        call("cross_entropy", logits, targets, weights, losses, *logits.shape)
        ctx.gradient = logits.detach()
        return (losses * weights).sum()

    @staticmethod
    def backward(ctx, g):
        return ctx.gradient if g == 1 else ctx.gradient * g, None, None

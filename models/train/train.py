"""Trains the model on encoded conversations.

    python3 train/train.py --data CORPUS --first CORPUS --out DIR --minutes 40

A run begins with `--first-tokens` of `--first` alone (exercises in copying: a model this small begins to use its context
rather suddenly after 2 to 2.5 million tokens of them, and hardly at all without) and then reads `--data` only. The loss
covers answers. Matrices inside blocks are trained with Muon, everything else with AdamW; the learning rate rises over a
short warm-up, stays, and falls linearly over the last `--decay` of the run.

Each thread computes whole micro-batches by itself and takes the next one when it is done, so a busy core slows the run
down by its own share only. Run with OMP_NUM_THREADS=1.
"""
import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import torch

import fused
from data import Conversations, Stream
from model import Config, Llama
from muon import Muon

SAVE_EVERY = 180  # seconds


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True, help="folder with train.* and dev.* files")
    p.add_argument("--first", help="folder with the corpus of the beginning")
    p.add_argument("--first-tokens", type=float, default=5e6)
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--warmup", type=float, default=0.01, help="share of the run")
    p.add_argument("--decay", type=float, default=0.6, help="share of the run")
    p.add_argument("--batch-tokens", type=int, default=8192)
    p.add_argument("--micro-tokens", type=int, default=2048)
    p.add_argument("--lr", type=float, default=0.02, help="of Muon")
    p.add_argument("--adam-lr", type=float, default=4e-3)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--ffn", type=int, default=512)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def schedule(progress, warmup, decay):
    """Share of the full learning rate at a share of the run."""
    return min(1, (progress + 1e-4) / warmup, max(0, 1 - progress) / decay)


@torch.no_grad()
def evaluate(model, data, limit=800):
    """Mean cross-entropy of answers, in nats per token."""
    total = weight = 0.0
    for rows in data.groups(range(min(limit, len(data))), 4096):
        tokens, starts, targets, weights = data.pack(rows)
        weights.clamp_(max=1)
        total, weight = total + model.loss(tokens, starts, targets, weights).item(), weight + weights.sum().item()
    return total / weight


class Trainer:
    def __init__(self, args):
        self.args = args
        torch.manual_seed(args.seed)
        self.dev = Conversations(args.data + "/dev")
        corpora = [Conversations(folder + "/train") for folder in [args.data, *([args.first] if args.first else [])]]
        self.stream = Stream(corpora, args.seed)
        self.model = Llama(Config(layers=args.layers, ffn=args.ffn))
        self.params = list(self.model.parameters())
        self.pool = ThreadPoolExecutor(args.threads)
        matrices = [(p, {"qkv": 3, "gate_up": 2}.get(name.rsplit(".", 1)[-1], 1)) for name, p in self.model.named_parameters() if "blocks" in name and p.ndim == 2]
        self.muon = Muon(*map(list, zip(*matrices)))
        chosen = {id(p) for p, _ in matrices}
        self.others = [p for p in self.params if id(p) not in chosen]
        self.adam = torch.optim.AdamW(self.others, lr=args.adam_lr, betas=(0.9, 0.98), weight_decay=0.01)

    def gradients(self, rows, corpus):
        """Loss, summed weights, number of tokens and gradients of one micro-batch."""
        tokens, starts, targets, weights = self.stream.corpora[corpus].pack(rows)
        loss = self.model.loss(tokens, starts, targets, weights)
        return loss.item(), weights.sum().item(), len(tokens), torch.autograd.grad(loss, self.params)

    def step(self, corpus, scale):
        """One update; returns its mean loss and its number of tokens."""
        rows = self.stream.draw(corpus, self.args.batch_tokens)
        groups = self.stream.corpora[corpus].groups(rows, self.args.micro_tokens)
        total = weight = tokens = 0
        sums = None
        for loss, w, n, grads in self.pool.map(lambda g: self.gradients(g, corpus), list(groups)):
            total, weight, tokens = total + loss, weight + w, tokens + n
            sums = list(grads) if sums is None else torch._foreach_add(sums, grads)
        for p, g in zip(self.params, torch._foreach_div(sums, weight)):
            p.grad = g
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        for group in self.adam.param_groups:
            group["lr"] = self.args.adam_lr * scale
        tasks = self.muon.tasks(self.args.lr * scale) + [self.adam.step]
        list(self.pool.map(lambda task: task(), tasks))
        return total / weight, tokens

    def save(self, record):
        torch.save(self.model.state_dict(), self.args.out + "/last.pt")
        with open(self.args.out + "/record.json", "w") as file:
            json.dump(record, file, indent=2)

    def run(self):
        args = self.args
        os.makedirs(args.out, exist_ok=True)
        self.model.config.save(args.out + "/config.json")
        parameters = sum(p.numel() for p in self.params)
        print(f"{parameters / 1e6:.2f} M parameters, {[int(c.lengths.sum()) for c in self.stream.corpora]} tokens", flush=True)
        start = saved = time.time()
        seen, step, running = [0, 0], 0, None
        while True:
            elapsed = time.time() - start
            progress = elapsed / 60 / args.minutes
            if progress >= 1:
                break
            corpus = 1 if args.first and seen[1] < args.first_tokens else 0
            loss, tokens = self.step(corpus, schedule(progress, args.warmup, args.decay))
            seen[corpus] += tokens
            step += 1
            running = loss if running is None else 0.95 * running + 0.05 * loss
            if step % 50 == 0:
                text = f"step {step} tokens {sum(seen) / 1e6:.2f}M loss {running:.4f} {sum(seen) / elapsed:.0f} tok/s {elapsed:.0f}s"
                print(text + (f" dev {evaluate(self.model, self.dev):.4f}" if step % 250 == 0 else ""), flush=True)
            if time.time() - saved > SAVE_EVERY:
                self.save({})
                saved = time.time()
        dev = evaluate(self.model, self.dev, 10_000)
        data = self.stream.corpora[0]
        record = {"parameters": parameters, "minutes": args.minutes, "threads": args.threads, "tiles": fused.HAS_TILES}
        record |= {"steps": step, "tokens": seen[0], "tokensOfFirst": seen[1], "devLoss": dev}
        record |= {"conversations": len(data), "corpusTokens": int(data.lengths.sum())}
        self.save(record)
        print(f"done: {json.dumps(record)}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    Trainer(parse()).run()

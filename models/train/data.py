"""Encoded conversations (written by tokenizer/encode.ts), packed one after another without padding."""
import numpy as np
import torch


class Conversations:
    """Token ids (u16), the weight of each token in the loss (u8, zero outside answers) and offsets (u32)."""

    def __init__(self, prefix):
        self.ids = np.fromfile(prefix + ".ids.u16", dtype="<u2")
        self.weights = np.fromfile(prefix + ".weights.u8", dtype=np.uint8)
        self.offsets = np.fromfile(prefix + ".offsets.u32", dtype="<u4").astype(np.int64)
        self.lengths = np.diff(self.offsets)

    def __len__(self):
        return len(self.lengths)

    def pack(self, rows):
        """Tokens [N], starts [rows + 1], targets [N] and weights [N] of some conversations.

        The target of a conversation's last token has weight zero.
        """
        spans = [slice(self.offsets[row], self.offsets[row + 1]) for row in rows]
        ids = np.concatenate([self.ids[span] for span in spans]).astype(np.int64)
        weights = np.concatenate([self.weights[span] for span in spans]).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(self.lengths[rows])])
        targets, next_weights = np.roll(ids, -1), np.roll(weights, -1)
        next_weights[starts[1:] - 1] = 0
        return tuple(map(torch.from_numpy, (ids, starts, targets, next_weights)))

    def groups(self, rows, tokens):
        """Splits rows into groups of about `tokens` tokens each."""
        group, size = [], 0
        for row in rows:
            group.append(row)
            size += self.lengths[row]
            if size >= tokens:
                yield np.array(group)
                group, size = [], 0
        if group:
            yield np.array(group)


class Stream:
    """Conversations drawn without end from several corpora; each is shuffled and used up before it begins again."""

    def __init__(self, corpora, seed):
        self.corpora, self.random = corpora, np.random.default_rng(seed)
        self.orders = [self.random.permutation(len(c)) for c in corpora]
        self.cursors = [0] * len(corpora)

    def draw(self, corpus, tokens):
        """Row numbers of about `tokens` tokens of the given corpus."""
        data, rows, size = self.corpora[corpus], [], 0
        while size < tokens:
            if self.cursors[corpus] == len(data):
                self.orders[corpus], self.cursors[corpus] = self.random.permutation(len(data)), 0
            row = self.orders[corpus][self.cursors[corpus]]
            self.cursors[corpus] += 1
            rows.append(row)
            size += data.lengths[row]
        return np.array(rows)

/*
 * Writes `specs/vectors/*.json`: inputs and results of everything that is hashed or signed, replayed by the tests in
 * TypeScript and in Solidity. The keys in them are for these files only.
 *
 *   node --conditions=source scripts/vectors.ts           writes
 *   node --conditions=source scripts/vectors.ts --check   fails when a file would change
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSigner } from "@depinfer/chain";
import {
  auditDraw,
  createNonceChain,
  deriveSeed,
  drawMembers,
  gumbel,
  isSelected,
  LEAF_TOKENS,
  positionKey,
  promptHash,
  sampleToken,
  seedCommitment,
  transcriptLeaf,
  transcriptRoot,
} from "@depinfer/proof";
import {
  channelId,
  classId,
  digestSha256,
  type Hex,
  keccak,
  merkleProof,
  merkleRoot,
  microUsd,
  type Receipt,
  type RuntimeClass,
  receiptDigest,
  toHex,
  uintBytes,
  utf8,
  voucherDigest,
} from "@depinfer/protocol";

const folder = join(import.meta.dirname, "../specs/vectors");

/** 32 bytes that depend on a label only. */
const bytes32 = (label: string): Hex => toHex(digestSha256(utf8(`depinfer/vectors/${label}`)));
const address = (label: string): Hex => `0x${bytes32(label).slice(26)}`;

const contract: Hex = "0x5fbdb2315678afecb367f032d93f642f64180aa3";
const domain = { chainId: 31337, verifyingContract: contract } as const;

function vouchers() {
  const cases = [0n, 1n, 29n, 1_000_000n, 2n ** 96n - 1n].map((amount, index) => {
    const privateKey = bytes32(`voucher key ${index}`);
    const signer = createSigner(privateKey);
    const config = {
      payer: address(`payer ${index}`),
      payerAuthorizer: signer.address,
      receiver: address(`receiver ${index}`),
      receiverAuthorizer: address(`receiver authorizer ${index}`),
      token: address("token"),
      withdrawDelay: 900 + index,
      salt: bytes32(`salt ${index}`),
    };
    const id = channelId(config, domain);
    const digest = voucherDigest(id, amount, domain);
    return {
      config,
      channelId: id,
      maxClaimableAmount: amount.toString(),
      digest: toHex(digest),
      privateKey,
      signature: signer.sign(digest),
      signer: signer.address,
    };
  });
  return {
    description: "Channel ids, voucher digests and signatures; the domain is x402 Batch Settlement, version 1",
    domain,
    cases,
  };
}

function receipts() {
  const cases = [0, 1, 2].map((index) => {
    const privateKey = bytes32(`receipt key ${index}`);
    const signer = createSigner(privateKey);
    const receipt: Receipt = {
      requestId: bytes32(`request ${index}`),
      requestHash: bytes32(`request hash ${index}`),
      classId: bytes32(`class ${index}`),
      promptHash: bytes32(`prompt ${index}`),
      transcriptRoot: transcriptRoot([5, 17, index]),
      textHash: bytes32(`text ${index}`),
      seedCommitment: bytes32(`seed ${index}`),
      channelId: bytes32(`channel ${index}`),
      provider: address(`provider ${index}`),
      promptTokens: 19 + index,
      cachedTokens: index,
      outputTokens: 145 * (index + 1),
      stopReason: index === 0 ? "end" : index === 1 ? "length" : "cancelled",
      proofLevel: index === 2 ? "none" : "seeded",
      cost: microUsd(29n * 10n ** BigInt(9 * index)),
      startedAt: 1_795_355_199_835,
      finishedAt: 1_795_355_201_043 + index,
    };
    const digest = receiptDigest(receipt, domain);
    // Enumerations as the numbers that are hashed.
    const solidity = {
      ...receipt,
      stopReason: ["end", "length", "stopSequence", "cancelled"].indexOf(receipt.stopReason),
      proofLevel: ["none", "greedy", "seeded", "replay", "attested"].indexOf(receipt.proofLevel),
    };
    return {
      receipt: decimal(solidity),
      digest: toHex(digest),
      privateKey,
      signature: signer.sign(digest),
      signer: signer.address,
    };
  });
  return {
    description: "Receipt digests and signatures; the domain is Depinfer, version 1, and the contract is ReceiptLog",
    domain,
    cases,
  };
}

function merkle() {
  const cases = [1, 2, 3, 5, 8, 13].map((count) => {
    const leaves = Array.from({ length: count }, (_, index) => keccak(uintBytes(index, 4)));
    return {
      leaves: leaves.map(toHex),
      root: toHex(merkleRoot(leaves)),
      proofs: leaves.map((_, index) => merkleProof(leaves, index).map(toHex)),
    };
  });
  return { description: "Merkle trees with sorted pairs; an odd node rises unchanged", cases };
}

function transcripts() {
  const cases = [[], [0], [5, 17, 2], Array.from({ length: 40 }, (_, index) => index * 31)].map((tokens) => ({
    tokens,
    leaves: Array.from({ length: Math.ceil(tokens.length / LEAF_TOKENS) }, (_, leaf) => {
      const first = leaf * LEAF_TOKENS;
      return toHex(transcriptLeaf(first, tokens.slice(first, first + LEAF_TOKENS)));
    }),
    root: transcriptRoot(tokens),
    promptHash: promptHash(tokens),
  }));
  return { description: "Transcript leaves and roots, and the hash of the same ids as a prompt", cases };
}

function sampling() {
  const parts = {
    buyerNonce: bytes32("buyer nonce"),
    providerNonce: bytes32("provider nonce"),
    requestId: bytes32("request"),
    classId: bytes32("class"),
  };
  const seeds = [null, 0, 7, -1].map((userSeed) => {
    const seed = deriveSeed({ ...parts, userSeed });
    return { userSeed, seed: toHex(seed), commitment: seedCommitment(seed) };
  });
  const seed = deriveSeed({ ...parts, userSeed: null });
  const noise = [0, 1, 1000].flatMap((position) =>
    [0, 1, 2047, 151_935].map((token) => ({ position, token, gumbel: gumbel(positionKey(seed, position), token) })),
  );
  const candidates = { tokens: [11, 7, 3, 99], logits: [2.5, 2.25, 1, -4] };
  const draws = [0, 0.2, 0.7, 1, 2].map((temperature) => ({
    temperature,
    tokens: Array.from({ length: 24 }, (_, position) => sampleToken(candidates, temperature, seed, position)),
  }));
  const chain = createNonceChain(digestSha256(utf8("nonce secret")), 4);
  return {
    description:
      "Seeds, Gumbel noise and draws of the sampler gumbel-hmac-sha256-top64/1, and a reverse hash chain of nonces",
    parts,
    seeds,
    noise,
    candidates,
    draws,
    nonces: { head: chain.head, revealed: [chain.next(), chain.next(), chain.next(), chain.next()] },
  };
}

function classes() {
  const runtimeClass: RuntimeClass = {
    weights: bytes32("weights"),
    quantisation: "q8_0",
    tokenizer: bytes32("tokenizer"),
    chatTemplate: bytes32("template"),
    engine: "llama.cpp v0.5.0 (node-llama-cpp 3.22.1)",
    backend: "cpu/haswell",
    flashAttention: true,
    keyCache: "f16",
    valueCache: "f16",
    microBatch: 32,
    sampler: "gumbel-hmac-sha256-top64/1",
  };
  const cases = [
    runtimeClass,
    { ...runtimeClass, flashAttention: false },
    { ...runtimeClass, backend: "cpu/sapphirerapids" },
  ].map((value) => ({ runtimeClass: value, classId: classId(value) }));
  return { description: "Runtime classes and their ids", cases };
}

function auditDraws() {
  const members = Array.from({ length: 7 }, (_, index) => address(`member ${index}`));
  const draws = [1, 2, 7].map((size) => {
    const [beacon, subject, among] = [bytes32(`beacon ${size}`), bytes32(`subject ${size}`), members.slice(0, size)];
    return { beacon, subject, members: among, drawn: drawMembers(beacon, subject, among, size) };
  });
  const selections = [1, 5, 500, 2_000].flatMap((count) =>
    [0, 0.2].map((rate) => {
      const [beacon, digest] = [bytes32("audit beacon"), bytes32(`digest ${count} ${rate}`)];
      return {
        beacon,
        digest,
        draw: auditDraw(beacon, digest),
        count,
        rate,
        selected: isSelected(beacon, digest, { count, rate }),
      };
    }),
  );
  return {
    description: "Members by rank, keccak256(beacon, subject, member); receipts selected for audit by their digest",
    draws,
    selections,
  };
}

/** JSON in which every amount and count is a decimal string, as Solidity's reader wants them. */
function decimal(value: object): Record<string, string> {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, String(member)]));
}

const files = {
  voucher: vouchers(),
  receipt: receipts(),
  merkle: merkle(),
  transcript: transcripts(),
  sampling: sampling(),
  "runtime-class": classes(),
  "audit-draw": auditDraws(),
};
const check = process.argv.includes("--check");
mkdirSync(folder, { recursive: true });
let stale = 0;
for (const [name, content] of Object.entries(files)) {
  const path = join(folder, `${name}.json`);
  const text = `${JSON.stringify(content, null, 2)}\n`;
  if (!check) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(
      `${path} is not what the code gives. If the change is meant, it is a new protocol version: run scripts/vectors.ts and say so in specs/.`,
    );
    stale += 1;
  }
}
process.exit(stale === 0 ? 0 : 1);

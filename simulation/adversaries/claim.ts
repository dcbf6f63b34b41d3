import { createSigner, recoverAddress } from "@depinfer/chain";
import { type Answering, type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import { deriveSeed, promptHash, seedCommitment, textHash, transcriptRoot, type Verdict } from "@depinfer/proof";
import {
  costDown,
  digestSha256,
  encodeRequest,
  type Hex,
  microUsd,
  type Prices,
  parseBody,
  type Receipt,
  type RequestTerms,
  receiptDigest,
  requestHash,
  type SignedReceipt,
  toHex,
  utf8,
} from "@depinfer/protocol";

/** What a buyer asks for. */
export interface Ask {
  readonly messages: readonly { readonly role: "system" | "user"; readonly content: string }[];
  readonly temperature: number;
  readonly maxTokens: number;
  /** Makes ids and nonces; another one is another request. */
  readonly name: string;
}

/** What a provider says it did: everything that goes under its signature, and the transcript. */
export interface Claim {
  readonly receipt: Receipt;
  readonly request: Uint8Array;
  readonly providerNonce: Hex;
  readonly tokens: readonly number[];
  readonly text: string;
}

export const CLAIM_PRICES: Prices = {
  inputPerMillion: microUsd(100_000),
  cachedInputPerMillion: microUsd(50_000),
  outputPerMillion: microUsd(400_000),
};
const BINDING = { chainId: 31_337, verifyingContract: `0x${"c0".repeat(20)}` } as const;
const PROVIDER = `0x${"ab".repeat(20)}` as const;
const signer = createSigner(hashOf("a provider's receipt key"));

function hashOf(text: string): Hex {
  return toHex(digestSha256(utf8(text)));
}

/** The claim of a provider that answers with `answer` and otherwise tells the truth. */
export async function claimFor(honest: ScoringEngine, answer: Answering, ask: Ask): Promise<Claim> {
  const body = utf8(
    JSON.stringify({
      model: honest.description.model,
      messages: ask.messages,
      temperature: ask.temperature,
      max_tokens: ask.maxTokens,
    }),
  );
  const terms: RequestTerms = {
    v: 1,
    requestId: hashOf(`${ask.name}/request`),
    endpoint: "chat",
    classId: honest.description.classId,
    channelId: hashOf(`${ask.name}/channel`),
    buyerNonce: hashOf(`${ask.name}/buyer`),
    maxOutputTokens: ask.maxTokens,
    prices: CLAIM_PRICES,
    audit: "validator",
  };
  const providerNonce = hashOf(`${ask.name}/provider`);
  const request = encodeRequest({ terms, body });
  const { generation } = parseBody("chat", body);
  const seed = deriveSeed({ ...terms, providerNonce, userSeed: null });
  const prompt = honest.prompt(generation);
  const { tokens, text, stopReason } = await answer(
    { generation, prompt, seed, maxTokens: ask.maxTokens },
    () => undefined,
  );
  const counts = { promptTokens: prompt.tokens.length, cachedTokens: 0, outputTokens: tokens.length };
  const receipt: Receipt = {
    requestId: terms.requestId,
    requestHash: requestHash(request),
    classId: terms.classId,
    promptHash: promptHash(prompt.tokens),
    transcriptRoot: transcriptRoot(tokens),
    // A cheat delivers the text that its ids show, or it would be caught without any scoring.
    textHash: textHash(honest.text(prompt.tokens, tokens, [])),
    seedCommitment: seedCommitment(seed),
    channelId: terms.channelId,
    provider: PROVIDER,
    ...counts,
    stopReason,
    proofLevel: "seeded",
    cost: costDown(counts, CLAIM_PRICES),
    startedAt: 1_795_355_199_835,
    finishedAt: 1_795_355_201_043,
  };
  return { receipt, request, providerNonce, tokens, text: honest.text(prompt.tokens, tokens, []) || text };
}

/** The receipt under the provider's signature, as it goes to the buyer. */
export function signClaim({ receipt }: Claim): SignedReceipt {
  return { receipt, signature: signer.sign(receiptDigest(receipt, BINDING)) };
}

/** Signs the claim and lets a verifier judge it, as a buyer, a validator or a juror does. */
export function judgeClaim(engine: ScoringEngine, claim: Claim): Promise<Verdict> {
  const { request, providerNonce, tokens, text } = claim;
  return verifyReceipt(
    { engine, recoverAddress },
    {
      signed: signClaim(claim),
      transcript: {
        request: Buffer.from(request).toString("base64"),
        providerNonce,
        outputTokens: [...tokens],
        text,
      },
      binding: BINDING,
      receiptKey: signer.address,
    },
  );
}

import { deriveSeed, seedCommitment, textHash, transcriptRoot } from "@depinfer/proof";
import { costDown, decodeRequest, digestSha256, microUsd, toHex, utf8 } from "@depinfer/protocol";
import { CLAIM_PRICES, type Claim } from "./claim.ts";

/** Cheats that show without scoring a token: what the receipt says is not what was delivered. */
export interface AccountingAdversary {
  readonly name: string;
  readonly description: string;
  /** Turns an honest claim of at least `EARLY` tokens into a dishonest one. */
  cheat(claim: Claim): Claim;
}

const AIR = 20;
const EARLY = 8;

function withTokens(claim: Claim, tokens: readonly number[]): Claim {
  const counts = { ...claim.receipt, outputTokens: tokens.length };
  return {
    ...claim,
    tokens,
    receipt: { ...counts, transcriptRoot: transcriptRoot(tokens), cost: costDown(counts, CLAIM_PRICES) },
  };
}

function withText(claim: Claim, text: string): Claim {
  return { ...claim, text, receipt: { ...claim.receipt, textHash: textHash(text) } };
}

export const ACCOUNTING_ADVERSARIES: readonly AccountingAdversary[] = [
  {
    name: "token count inflated",
    description: "bills for more tokens than it delivered",
    cheat(claim) {
      const counts = { ...claim.receipt, outputTokens: claim.tokens.length + AIR };
      return { ...claim, receipt: { ...counts, cost: costDown(counts, CLAIM_PRICES) } };
    },
  },
  {
    name: "air after the end",
    description: "delivers ids after the end of the turn, which show no text and are billed",
    cheat: (claim) => withTokens(claim, [...claim.tokens, ...claim.tokens.slice(0, AIR)]),
  },
  {
    name: "prompt count inflated",
    description: "bills for a longer prompt than the buyer sent",
    cheat(claim) {
      const counts = { ...claim.receipt, promptTokens: claim.receipt.promptTokens + AIR };
      return { ...claim, receipt: { ...counts, cost: costDown(counts, CLAIM_PRICES) } };
    },
  },
  {
    name: "overcharged",
    description: "bills more than its prices",
    cheat: (claim) => ({ ...claim, receipt: { ...claim.receipt, cost: microUsd(claim.receipt.cost + 1n) } }),
  },
  {
    name: "text differs from its ids",
    description: "shows the buyer another text than the ids under the receipt",
    cheat: (claim) => withText(claim, `${claim.text} Buy Bitter Beans!`),
  },
  {
    name: "stopped early, as if the model had ended",
    description: "stops after a few tokens and says that the model ended its turn",
    cheat(claim) {
      const cut = withTokens(claim, claim.tokens.slice(0, EARLY));
      return { ...cut, receipt: { ...cut.receipt, stopReason: "end" } };
    },
  },
  {
    name: "stopped early, as if the limit were reached",
    description: "stops after a few tokens and says that the buyer wanted no more",
    cheat(claim) {
      const cut = withTokens(claim, claim.tokens.slice(0, EARLY));
      return { ...cut, receipt: { ...cut.receipt, stopReason: "length" } };
    },
  },
  {
    name: "seed of its own",
    description: "commits to a seed that does not follow from both nonces",
    cheat: (claim) => ({
      ...claim,
      receipt: { ...claim.receipt, seedCommitment: seedCommitment(digestSha256(utf8("a seed that suits me"))) },
    }),
  },
  {
    name: "nonce ground after the request",
    description: "keeps its promise to the seed, but takes a nonce that suits it once it knows the request",
    cheat(claim) {
      const providerNonce = toHex(digestSha256(utf8("a nonce that suits me")));
      const { terms } = decodeRequest(claim.request);
      const seed = deriveSeed({ ...terms, providerNonce, userSeed: null });
      return { ...claim, providerNonce, receipt: { ...claim.receipt, seedCommitment: seedCommitment(seed) } };
    },
  },
];

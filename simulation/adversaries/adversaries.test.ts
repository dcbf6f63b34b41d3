import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  calibrationFor,
  createEvidence,
  createNonceChain,
  followsInChain,
  NO_EVIDENCE,
  type ScoredPosition,
  screenLogprobs,
  type Verdict,
} from "@depinfer/proof";
import { PLAIN_SAMPLING } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACCOUNTING_ADVERSARIES } from "./accounting.ts";
import { type Ask, claimFor, judgeClaim } from "./claim.ts";
import { type Laboratory, openLaboratory } from "./laboratory.ts";
import { ADVERSARY_ZOO, adversaryNamed } from "./zoo.ts";

/* Every cheat under a receipt that its provider signed, judged as a buyer, a validator or a juror judges it. */

let laboratory: Laboratory;
let cache: string;

beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), "adversaries-"));
  laboratory = await openLaboratory({ slots: 4, cache });
});
afterAll(async () => {
  await laboratory.close();
  rmSync(cache, { recursive: true, force: true });
});

const ANSWERS = 16;
const TOPICS = ["a brave dragon", "an old lighthouse", "two sisters", "a lost key", "the first snow", "a clever crow"];
const LONG =
  "Anna walked along the river and thought of the lighthouse, while Ben waited at the market for the long train. ".repeat(
    4,
  );

/** A request to which every cheat applies: a system prompt, a long text, a temperature above 0. */
function askFor(index: number): Ask {
  return {
    name: `answer ${index}`,
    messages: [
      { role: "system", content: "You are a storyteller. Answer Grace." },
      { role: "user", content: `${LONG}\n\nTell me a long story about ${TOPICS[index % TOPICS.length]}.` },
    ],
    temperature: 1,
    maxTokens: 120,
  };
}

async function verdictsOn(name: string | null, count = ANSWERS): Promise<Verdict[]> {
  const { honest } = laboratory;
  const answer = name === null ? honest.generate.bind(honest) : await adversaryNamed(name).open(laboratory);
  return Promise.all(
    Array.from({ length: count }, async (_, index) =>
      judgeClaim(honest, await claimFor(honest, answer, askFor(index))),
    ),
  );
}

test("honest answers pass, all of them", async () => {
  const verdicts = await verdictsOn(null);
  expect(convicts(verdicts)).toBe(false);
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(verdicts.map(() => "pass"));
  expect(verdicts.reduce((sum, { statistic }) => sum + statistic.informative, 0)).toBeGreaterThan(50);
}, 60_000);

/** Answers that are too short to fail one by one add up. */
function convicts(verdicts: readonly Verdict[]): boolean {
  const evidence = createEvidence(calibrationFor(laboratory.honest.description.classId));
  const state = verdicts.reduce(
    (sum, { statistic: { informative, mismatches, meanMargin } }) =>
      evidence.add(sum, {
        tokens: informative,
        mismatches,
        marginMicros: Math.round(meanMargin * informative * 1e6),
      }),
    NO_EVIDENCE,
  );
  return evidence.outcome(state, 1).outcome === "fail";
}

/** Those whose choices differ in fewer than one in a hundred tokens are for the benchmark, which has more tokens. */
const FAINT = ["weights q6_k", "weights q5_k_m", "key cache q8_0", "temperature +0.1", "temperature −0.1"];

describe("a cheat is failed on an answer, or convicted on all of them", () => {
  test.each(ADVERSARY_ZOO.map(({ name }) => name).filter((name) => !FAINT.includes(name)))(
    "%s",
    async (name) => {
      const verdicts = await verdictsOn(name);
      const failed = verdicts.filter(({ verdict }) => verdict === "fail");
      expect(failed.length > 0 || convicts(verdicts), "no answer fails, nor all together").toBe(true);
      for (const { verdict, tokensNeeded, reason } of verdicts) {
        if (verdict === "inconclusive") {
          expect(tokensNeeded, reason).toBeGreaterThan(0);
        }
      }
    },
    60_000,
  );

  test.each(FAINT)(
    "%s is at least never refused",
    async (name) => {
      for (const { verdict, falsePass } of await verdictsOn(name, 6)) {
        expect(["pass", "inconclusive", "fail"]).toContain(verdict);
        expect(verdict !== "pass" || (falsePass ?? 0) > 0).toBe(true);
      }
    },
    60_000,
  );
});

describe("what can be counted is caught without scoring, at the first answer", () => {
  const atOnce = ACCOUNTING_ADVERSARIES.filter(({ name }) => name !== "nonce ground after the request");

  test.each(atOnce)("$name", async ({ cheat }) => {
    const { honest } = laboratory;
    const honestClaim = await claimFor(honest, honest.generate.bind(honest), askFor(1));
    expect((await judgeClaim(honest, honestClaim)).verdict).toBe("pass");
    const { verdict, statistic, pValue } = await judgeClaim(honest, cheat(honestClaim));
    expect(verdict).toBe("fail");
    expect({ tokens: statistic.tokens, pValue }).toEqual({ tokens: 0, pValue: null });
  });
});

test("a nonce that was ground does not follow in the chain, so the buyer does not take it", async () => {
  const chain = createNonceChain(new Uint8Array(32).fill(9), 4);
  const next = chain.next() ?? "0x";
  expect(followsInChain(next, chain.head)).toBe(true);
  const grinding = ACCOUNTING_ADVERSARIES.find(({ name }) => name === "nonce ground after the request");
  const { honest } = laboratory;
  const claim = await claimFor(honest, honest.generate.bind(honest), askFor(2));
  const ground = grinding?.cheat(claim) ?? claim;
  expect(ground.providerNonce).not.toBe(claim.providerNonce);
  expect(followsInChain(ground.providerNonce, chain.head)).toBe(false);
  // And had the buyer taken it, the tokens are still those of another seed.
  expect((await judgeClaim(honest, ground)).verdict).toBe("fail");
});

test("honest log-probabilities attached to a cheaper model's tokens pass the screen and are caught by the tokens", async () => {
  const { honest } = laboratory;
  const smaller = await laboratory.smaller();
  const scored: ScoredPosition[][] = [];
  const verdicts: Verdict[] = [];
  for (let index = 0; index < 4; index++) {
    const claim = await claimFor(honest, smaller.generate.bind(smaller), askFor(index));
    const prompt = honest.prompt({
      ...PLAIN_SAMPLING,
      prompt: { messages: [...askFor(index).messages] },
      temperature: 1,
      seed: null,
      stop: [],
      maxTokens: null,
    });
    // The cheat lets the true model score its own tokens, which costs it a prefill, and attaches what it found.
    scored.push(await honest.score(prompt.tokens, claim.tokens));
    verdicts.push(await judgeClaim(honest, claim));
  }
  for (const positions of scored) {
    const attached = positions.map((position) => logprob(position));
    expect(screenLogprobs(attached, positions)).toMatchObject({ plausible: true });
  }
  expect(verdicts.map(({ verdict }) => verdict)).toContain("fail");
}, 60_000);

function logprob({ logits, chosenLogit }: ScoredPosition): number {
  const best = logits[0] ?? chosenLogit;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - best), 0);
  return chosenLogit - best - Math.log(sum);
}

test("what is cheated only where nobody may look is found by canaries alone", async () => {
  const { honest } = laboratory;
  const smaller = await laboratory.smaller();
  // The provider reads the flag; a canary carries the same flag as any buyer, so it meets the same cheat.
  const byFlag = (flag: "validator" | "none") => (flag === "none" ? smaller : honest);
  const judge = async (flag: "validator" | "none", index: number) =>
    (await judgeClaim(honest, await claimFor(honest, byFlag(flag).generate.bind(byFlag(flag)), askFor(index)))).verdict;
  const audited = await Promise.all([0, 1, 2, 3].map((index) => judge("validator", index)));
  const canaries = await Promise.all([0, 1, 2, 3].map((index) => judge("none", index)));
  expect(new Set(audited)).toEqual(new Set(["pass"]));
  expect(canaries).toContain("fail");
}, 60_000);

import { z } from "zod";
import { DepinferError } from "./errors.ts";
import type { RuntimeClass } from "./runtime-class.ts";

/*
 * How much a buyer can check, as one order. Each level binds whatever the one below it binds, and more:
 *
 *   none      who answered and what it cost
 *   greedy    + the model, at temperature 0 and within the tolerance between two engines
 *   seeded    + every choice of a token at any temperature, on the class's own arithmetic
 *   replay    + every bit of the output; no statistic is needed, since nothing is drawn
 *   attested  + which program computed it, by hardware; the class itself has to be `seeded` or `replay`
 *
 * `specs/08-proof-levels.md` says what each of them leaves open.
 */

/** The position in this list is the number in a receipt, so entries are only ever added at the end. */
export const PROOF_LEVELS = ["none", "greedy", "seeded", "replay", "attested", "attested-SIMULATED"] as const;
export type ProofLevel = (typeof PROOF_LEVELS)[number];
export const proofLevelSchema = z.enum(PROOF_LEVELS);

/** What a buyer may demand. A simulation is nothing to demand. */
export const MINIMUM_LEVELS = ["none", "greedy", "seeded", "replay", "attested"] as const;
export type MinimumLevel = (typeof MINIMUM_LEVELS)[number];
export const minimumLevelSchema = z.enum(MINIMUM_LEVELS);

const RANKS: Readonly<Record<ProofLevel, number>> = {
  none: 0,
  greedy: 1,
  seeded: 2,
  replay: 3,
  attested: 4,
  // No hardware stands behind it, so it counts for nothing unless somebody says that it shall.
  "attested-SIMULATED": 0,
};

/** Opt-ins that weaken an order of levels. */
export interface LevelPolicy {
  /** Count `attested-SIMULATED` as `attested`. For tests and demonstrations only. */
  readonly allowSimulatedAttestation?: boolean;
}

/** Whether an answer of `level` is at least what was demanded. */
export function meetsLevel(level: ProofLevel, minimum: MinimumLevel, policy: LevelPolicy = {}): boolean {
  const counted = level === "attested-SIMULATED" && policy.allowSimulatedAttestation === true ? "attested" : level;
  return RANKS[counted] >= RANKS[minimum];
}

/** The strictest of several demands; `none` when there are none. */
export function strictestLevel(demands: readonly (MinimumLevel | null | undefined)[]): MinimumLevel {
  return demands.reduce<MinimumLevel>(
    (strictest, demand) =>
      demand !== null && demand !== undefined && RANKS[demand] > RANKS[strictest] ? demand : strictest,
    "none",
  );
}

/**
 * The level of one answer. Log-probabilities do not bind sampling: at temperature above 0 an honest value can be put
 * beside a token of any model, so the answer of a `greedy` engine is `none` there.
 */
export function levelOfAnswer(level: ProofLevel, temperature: number): ProofLevel {
  return level === "greedy" && temperature > 0 ? "none" : level;
}

/** `sampler` of classes whose engine samples by itself. */
export const NO_SAMPLER = "none";
/** `sampler` of classes that turn tensors into tensors: nothing is drawn, so there is nothing to seed. */
export const TENSOR_SAMPLER = "tensor/1";

/** Why a class cannot carry a level, as the end of a sentence that begins with the class; undefined when it can. */
export function levelFault(level: ProofLevel, { sampler }: Pick<RuntimeClass, "sampler">): string | undefined {
  const seeded = sampler !== NO_SAMPLER && sampler !== TENSOR_SAMPLER;
  switch (level) {
    case "none":
      return undefined;
    case "greedy":
      return sampler === TENSOR_SAMPLER ? "has tensors and no tokens, so it cannot be `greedy`" : undefined;
    case "seeded":
      return seeded ? undefined : `has the sampler \`${sampler}\`, which no seed decides, so it cannot be \`seeded\``;
    case "replay":
      return sampler === TENSOR_SAMPLER ? undefined : `has the sampler \`${sampler}\`, so it cannot be \`replay\``;
    case "attested":
    case "attested-SIMULATED":
      return sampler === NO_SAMPLER
        ? `has the sampler \`none\`, so nobody can compute its answers again and it cannot be \`${level}\``
        : undefined;
  }
}

/**
 * A level that somebody demands, by header, body or command line.
 *
 * @throws DepinferError `request.invalid` naming `param`.
 */
export function parseMinimumLevel(text: string, param: string): MinimumLevel {
  const parsed = minimumLevelSchema.safeParse(text);
  if (!parsed.success) {
    throw new DepinferError({
      code: "request.invalid",
      message: `${param} holds ${JSON.stringify(text)}, which is not a proof level`,
      remedy: `Demand one of ${MINIMUM_LEVELS.join(", ")}`,
      metadata: { param },
    });
  }
  return parsed.data;
}

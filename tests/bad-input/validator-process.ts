import { createChain, createSigner, parseDeployment, recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { openJournal } from "@depinfer/journal";
import { createHost } from "@depinfer/network";
import { calibrationFor } from "@depinfer/proof";
import { bytes32Schema, fromHex, sealingKeyOf } from "@depinfer/protocol";
import { createValidator, VALIDATOR_MIGRATIONS } from "@depinfer/validator";
import { z } from "zod";
import { embeddedModels } from "../../apps/cli/src/home.ts";

/*
 * A validator in a process of its own, for tests that kill it. It says where it is, and at `stopAt` goes no further, so
 * that the test can end it exactly there.
 */

export const validatorProcessSchema = z.object({
  rpcUrl: z.string(),
  deployment: z.unknown(),
  key: bytes32Schema,
  seed: bytes32Schema,
  sealingSecret: bytes32Schema,
  journal: z.string(),
  provider: z.array(z.string()),
  stopAt: z.enum(["scoring", "attesting", "attested", "nowhere"]),
  /** An engine that finds every token wrong: whoever judges again with it judges otherwise. */
  blind: z.boolean(),
});
export type ValidatorProcess = z.input<typeof validatorProcessSchema>;

const options = validatorProcessSchema.parse(JSON.parse(process.argv[2] ?? "{}"));

async function reached(place: string): Promise<void> {
  process.send?.(place);
  if (place === options.stopAt) {
    await new Promise(() => undefined);
  }
}

const account = createSigner(options.key);
const real = createChain({ rpcUrl: options.rpcUrl, deployment: parseDeployment(options.deployment), account });
const chain = {
  ...real,
  receipts: {
    ...real.receipts,
    attest: async (attestation: Parameters<typeof real.receipts.attest>[0]) => {
      await reached("attesting");
      const result = await real.receipts.attest(attestation);
      await reached("attested");
      return result;
    },
  },
};
const engine = await createLlamaEngine({ modelPath: embeddedModels.tiny, slots: 2 });
const watched: ScoringEngine = {
  ...engine,
  async score(prompt, tokens) {
    await reached("scoring");
    const scored = await engine.score(prompt, tokens);
    return options.blind ? scored.map((position) => ({ ...position, chosenLogit: -1e9 })) : scored;
  },
};
const host = createHost({}, { seed: fromHex(options.seed, 32), role: "validator", discovery: false });
await host.start();
await host.dial(options.provider);
const validator = createValidator(
  {
    host,
    chain,
    engine: watched,
    calibration: calibrationFor(engine.description.classId),
    sealingKey: sealingKeyOf(fromHex(options.sealingSecret, 32)),
    journal: openJournal({ path: options.journal, parts: { validator: VALIDATOR_MIGRATIONS } }),
    recoverAddress,
    log: (level, message) => process.send?.(`${level}: ${message}`),
  },
  { validator: account.address, audits: { schedule: { newcomer: 1, floor: 1, halving: 1 } } },
);
validator.start();
process.send?.("started");

import { randomBytes } from "node:crypto";
import { join as joinPath } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import { type CpuLibrary, createLlamaEngine } from "@depinfer/inference";
import { openJournal } from "@depinfer/journal";
import type { Log } from "@depinfer/protocol";
import { createChallenger, createJuror, createValidator, VALIDATOR_MIGRATIONS } from "@depinfer/validator";
import { auditRulesOf } from "../audit-rules.ts";
import { readCalibration } from "../calibration-file.ts";
import { resolveModel } from "../model-file.ts";
import { startCanaries } from "./canaries.ts";
import { connect, type ServiceOptions } from "./connect.ts";
import { join, joinValidators } from "./join.ts";
import type { RunningService } from "./lifecycle.ts";
import { tracingOf } from "./tracing.ts";

export interface ValidatorServiceOptions extends ServiceOptions {
  readonly model?: string;
  readonly cpuLibrary?: CpuLibrary;
  /** TEST ONLY: votes `pass` in every jury without looking. */
  readonly lazy: boolean;
  /** Canaries in an hour, on average; none at 0. */
  readonly canariesPerHour: number;
  /** Units that canaries ever may spend. */
  readonly canaryBudget: bigint;
  /** Whether every canary that failed is disputed, with a bond from the wallet. */
  readonly disputeFailures: boolean;
}

/** Audits and juries that may score at the same time, sharing the engine's steps. */
const AUDITS_TOGETHER = 2;

export async function startValidator(options: ValidatorServiceOptions, log: Log): Promise<RunningService> {
  const engine = await createLlamaEngine({
    modelPath: await resolveModel(options.model),
    slots: AUDITS_TOGETHER,
    ...(options.cpuLibrary === undefined ? {} : { cpuLibrary: options.cpuLibrary }),
  });
  const calibration = readCalibration(options.networkFile, engine.description.classId);
  const connected = await connect(options, log);
  const { identity, chain, network, createHost } = connected;
  const host = await createHost({ role: "validator" });
  const address = identity.wallet.address;
  await join(
    chain,
    address,
    {
      role: "validator",
      receiptKey: identity.signer.address,
      peerId: host.peerId,
      slots: 1,
      classIds: [engine.description.classId],
    },
    log,
  );
  await joinValidators(
    chain,
    address,
    { sealingKey: identity.sealingKey.publicKey, classIds: [engine.description.classId] },
    log,
  );
  const journal = openJournal({
    path: joinPath(options.home, "journal.sqlite"),
    parts: { validator: VALIDATOR_MIGRATIONS },
  });
  const tracing = tracingOf("validator", log);
  const validator = createValidator(
    {
      host,
      chain,
      engine,
      calibration,
      sealingKey: identity.sealingKey,
      journal,
      recoverAddress,
      log,
      ...(tracing === undefined ? {} : { record: tracing.record }),
    },
    { validator: address, audits: auditRulesOf(network) },
  );
  validator.start();
  const juror = createJuror(
    {
      chain,
      engine,
      calibration,
      sealingKey: identity.sealingKey,
      recoverAddress,
      auditEvents: validator.auditEvents,
      rules: auditRulesOf(network),
      journal,
      randomBytes,
      log,
    },
    { juror: address, lazy: options.lazy },
  );
  juror.start();
  const challenger = options.disputeFailures ? createChallenger(chain, log) : null;
  const canaries =
    options.canariesPerHour === 0
      ? null
      : startCanaries(
          {
            ...{ connected, host, engine, calibration, journal, validator, log },
            ...(challenger === null ? {} : { onFailure: challenger.take }),
          },
          { home: options.home, perHour: options.canariesPerHour, budget: options.canaryBudget },
        );
  // Those of before a restart, too: their disputes may still be open.
  for (const file of canaries?.state().failures ?? []) {
    challenger?.take(file);
  }
  return {
    info: {
      validator: address,
      peerId: host.peerId,
      addresses: host.addresses,
      classId: engine.description.classId,
      lazy: options.lazy,
    },
    control: {
      state: () => ({ ...validator.state(), jury: juror.state(), canaries: canaries?.state() ?? null }),
    },
    async stop() {
      await canaries?.stop();
      await juror.stop();
      await validator.stop();
      await host.stop();
      await tracing?.stop();
      journal.close();
      await engine.dispose();
    },
  };
}

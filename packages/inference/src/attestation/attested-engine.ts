import { DepinferError, levelFault, type OfferedAttestation } from "@depinfer/protocol";
import type { Engine } from "../engine.ts";

const LEVELS = { tdx: "attested", SIMULATED: "attested-SIMULATED" } as const;

/**
 * An engine that shows a quote of the domain it runs in. Its class stays what it was: what hardware vouches for can be
 * computed again like before.
 *
 * @throws DepinferError `engine.levelUnsupported` when nobody could compute the engine's answers again.
 */
export function createAttestedEngine<Kind extends Engine>(engine: Kind, attestation: OfferedAttestation): Kind {
  const proofLevel = LEVELS[attestation.kind];
  const fault = levelFault(proofLevel, engine.description.runtimeClass);
  if (fault !== undefined) {
    throw new DepinferError({
      code: "engine.levelUnsupported",
      message: `The class of ${engine.description.model} ${fault}`,
      remedy: "Attest an engine that runs the weights itself, not an upstream",
      metadata: { proofLevel },
    });
  }
  return { ...engine, description: { ...engine.description, proofLevel, attestation } };
}

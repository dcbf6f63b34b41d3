export {
  type AttestationChecker,
  type AttestationCheckerModules,
  type AttestationPolicy,
  createAttestationChecker,
} from "./attestation-checker.ts";
export { createAttestedEngine } from "./attested-engine.ts";
export { type AttestedSubject, reportData } from "./report-data.ts";
export { SIMULATED_IMAGE, type SimulatedDomain, simulateQuote, verifySimulatedQuote } from "./simulated.ts";
export {
  type AcceptedImage,
  collateralSchema,
  fetchCollateral,
  type TdxPolicy,
  type TdxVerdict,
  verifyTdxQuote,
} from "./tdx.ts";

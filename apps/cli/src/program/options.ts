import { ADVERSARIES } from "@depinfer/node";
import { MINIMUM_LEVELS } from "@depinfer/protocol";
import { Option } from "commander";
import { defaultHome } from "../home.ts";

/* Flags that several commands have, or whose values another package lists. */

/** Port of the OpenAI-compatible endpoint; the indexer listens on the next one. */
export const DEFAULT_PORT = 8_787;

export const adversary = () =>
  new Option("--adversary <kind>", "TEST ONLY: cheat on purpose, to see it caught").choices(ADVERSARIES);
export const adversaries = () =>
  new Option("--adversary <kinds...>", "TEST ONLY: let the last providers cheat, one in each way").choices(ADVERSARIES);
export const minProofLevel = () =>
  new Option("--min-proof-level <level>", "what every answer has to be provable at least")
    .choices(MINIMUM_LEVELS)
    .default("none");
export const allowSimulatedAttestation = () =>
  new Option("--allow-simulated-attestation", "TEST ONLY: let SIMULATED attestation pass for attested");
export const cpuLibrary = () =>
  new Option(
    "--cpu-library <name>",
    "which processor library computes: portable is the class that all x86-64 machines share, native the fastest here",
  ).default("portable");
export const json = () => new Option("--json", "print one JSON object for scripts");
export const home = () => new Option("--home <folder>", "where state is kept").default(defaultHome());

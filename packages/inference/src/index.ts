export { type AnswerText, createAnswerText, type Detokenize } from "./answer-text.ts";
export {
  type Answering,
  type ScoredTranscript,
  type ScoringRun,
  scoreTranscripts,
} from "./calibration/score-transcripts.ts";
export { TASKS_DESCRIPTION, type Task, TEMPERATURES, taskAt } from "./calibration/tasks.ts";
export type {
  Completion,
  Engine,
  EngineDescription,
  GenerateOptions,
  OnDelta,
  Prompt,
  ScoreWatch,
  ScoringEngine,
} from "./engine.ts";
export { type BackendOptions, type CpuLibrary, type GpuDevice, loadBackend } from "./llama/backend.ts";
export { createLlamaEngine, type KeyCacheType, type LlamaEngineOptions } from "./llama/llama-engine.ts";
export { PORTABLE_FAMILY, runsPortableFamily, shippedFamilies } from "./llama/portable-library.ts";
export { type OpenedReceipt, openReceipt, type ReceiptEvidence } from "./opened-receipt.ts";
export { createSlots, type Slots } from "./slots.ts";
export { createUpstreamEngine, type UpstreamEngineOptions } from "./upstream/upstream-engine.ts";
export {
  createUpstreamReference,
  type UpstreamReference,
  type UpstreamReferenceOptions,
} from "./upstream/upstream-reference.ts";
export { parseVectorsText, vectorsText } from "./vectors-text.ts";
export { type GreedyInput, type GreedyReference, type VerifyWatch, verifyGreedy } from "./verify-greedy.ts";
export { type VerifyInput, type VerifyModules, verifyReceipt } from "./verify-receipt.ts";

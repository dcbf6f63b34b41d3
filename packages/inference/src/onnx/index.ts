export type { TensorEngine } from "../tensor-engine.ts";
export { type TensorDistance, tensorDistance } from "./compare-tensors.ts";
export { createOnnxEngine, type OnnxEngineOptions, type OnnxOptimisation } from "./onnx-engine.ts";
export { tensorReceiptFields } from "./tensor-receipt.ts";
export {
  judgeBetweenClasses,
  REPLAY_TOLERANCE,
  type TensorEvidence,
  type TensorVerdict,
  verifyTensors,
} from "./verify-tensors.ts";

export type { TensorEngine } from "../tensor-engine.ts";
export { createTensorProvider } from "../tensor-provider.ts";
export { type TensorDistance, tensorDistance } from "./compare-tensors.ts";
export { createOnnxEngine, type OnnxEngineOptions, type OnnxOptimisation } from "./onnx-engine.ts";
export { judgeBetweenClasses, REPLAY_TOLERANCE, verifyTensors } from "./verify-tensors.ts";

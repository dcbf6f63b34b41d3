import { DepinferError, type TensorData } from "@depinfer/protocol";
import { Tensor } from "onnxruntime-node";

/*
 * Between bytes and the typed arrays that ONNX Runtime takes. Everything it runs on is little-endian, as the wire is.
 */

/** @throws DepinferError `tensor.unsupported` for a type that ONNX Runtime has and the wire has not. */
export function fromTensor(name: string, { type, dims, data }: Tensor): TensorData {
  if (Array.isArray(data) || !isWireType(type)) {
    throw new DepinferError({
      code: "tensor.unsupported",
      message: `The model's output ${name} has the type ${type}, which has no form on the wire`,
      remedy: "Export the model with outputs of numbers",
      metadata: { name, type },
    });
  }
  return { type, shape: dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() };
}

function isWireType(type: string): type is TensorData["type"] {
  return type in MAKERS;
}

/** A copy, since the bytes may begin anywhere in their buffer and typed arrays may not. */
const aligned = (bytes: Uint8Array) => bytes.slice().buffer;

const MAKERS: Readonly<Record<TensorData["type"], (bytes: Uint8Array, shape: readonly number[]) => Tensor>> = {
  float32: (bytes, shape) => new Tensor("float32", new Float32Array(aligned(bytes)), shape),
  float64: (bytes, shape) => new Tensor("float64", new Float64Array(aligned(bytes)), shape),
  int32: (bytes, shape) => new Tensor("int32", new Int32Array(aligned(bytes)), shape),
  int64: (bytes, shape) => new Tensor("int64", new BigInt64Array(aligned(bytes)), shape),
  uint8: (bytes, shape) => new Tensor("uint8", bytes.slice(), shape),
  int8: (bytes, shape) => new Tensor("int8", new Int8Array(aligned(bytes)), shape),
  bool: (bytes, shape) => new Tensor("bool", bytes.slice(), shape),
};

export function toTensor({ type, shape, bytes }: TensorData): Tensor {
  return MAKERS[type](bytes, shape);
}

/** The elements as numbers; integers of 64 bits lose what a double cannot hold. */
export function elementsOf({ type, bytes }: TensorData): number[] {
  const buffer = aligned(bytes);
  switch (type) {
    case "float32":
      return [...new Float32Array(buffer)];
    case "float64":
      return [...new Float64Array(buffer)];
    case "int32":
      return [...new Int32Array(buffer)];
    case "int64":
      return [...new BigInt64Array(buffer)].map(Number);
    case "int8":
      return [...new Int8Array(buffer)];
    case "uint8":
    case "bool":
      return [...bytes];
  }
}

/*
 * A small ONNX model, written by hand as the protocol buffer that it is (onnx.proto: ModelProto 7 graph, 8 opset_import,
 * 1 ir_version; GraphProto 1 node, 5 initializer, 11 input, 12 output; TensorProto 1 dims, 2 data_type, 8 name, 9
 * raw_data). Two layers and a softmax: y = softmax(relu(x·A + a)·B + b), all sums long enough to round.
 */

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      return [...bytes, rest];
    }
    bytes.push((rest % 128) + 128);
  }
};
const number = (field: number, value: number) => Buffer.from([...varint(field * 8), ...varint(value)]);
const bytes = (field: number, content: Uint8Array) =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
const text = (field: number, content: string) => bytes(field, Buffer.from(content));
const FLOAT = 1;

function initializer(name: string, shape: readonly number[], values: Float32Array): Buffer {
  return bytes(
    5,
    Buffer.concat([
      ...shape.map((size) => number(1, size)),
      number(2, FLOAT),
      text(8, name),
      bytes(9, new Uint8Array(values.buffer)),
    ]),
  );
}

function node(operator: string, inputs: readonly string[], output: string): Buffer {
  return bytes(1, Buffer.concat([...inputs.map((name) => text(1, name)), text(2, output), text(4, operator)]));
}

function value(field: number, name: string, shape: readonly number[]): Buffer {
  const dimensions = Buffer.concat(shape.map((size) => bytes(1, number(1, size))));
  const tensor = Buffer.concat([number(1, FLOAT), bytes(2, dimensions)]);
  return bytes(field, Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))]));
}

export const INPUT_SIZE = 96;
const HIDDEN = 257;
const CLASSES = 10;

/** Numbers in [-1, 1) from a seed, by the generator of Numerical Recipes. */
export function numbers(seed: number, count: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** The same numbers, each rounded to one of 255 steps of the largest: what 8 bits make of weights. */
function eightBits(values: Float32Array): Float32Array {
  const step = values.reduce((most, each) => Math.max(most, Math.abs(each)), 0) / 127;
  return values.map((each) => Math.round(each / step) * step);
}

export interface TinyModelOptions {
  /** Seed of the weights. */
  readonly seed?: number;
  readonly quantised?: boolean;
}

/** The bytes of a model file: input `x` of 1×96 floats, output `y` of 1×10. */
export function tinyOnnxModel({ seed = 1, quantised = false }: TinyModelOptions = {}): Uint8Array {
  const weights = (offset: number, count: number) => {
    const values = numbers(seed * 100 + offset, count);
    return quantised ? eightBits(values) : values;
  };
  const graph = Buffer.concat([
    node("MatMul", ["x", "A"], "xa"),
    node("Add", ["xa", "a"], "h"),
    node("Relu", ["h"], "r"),
    node("MatMul", ["r", "B"], "rb"),
    node("Add", ["rb", "b"], "z"),
    node("Softmax", ["z"], "y"),
    text(2, "tiny"),
    initializer("A", [INPUT_SIZE, HIDDEN], weights(1, INPUT_SIZE * HIDDEN)),
    initializer("a", [HIDDEN], weights(2, HIDDEN)),
    initializer(
      "B",
      [HIDDEN, CLASSES],
      weights(3, HIDDEN * CLASSES).map((each) => each / 16),
    ),
    initializer("b", [CLASSES], weights(4, CLASSES)),
    value(11, "x", [1, INPUT_SIZE]),
    value(12, "y", [1, CLASSES]),
  ]);
  return Buffer.concat([number(1, 8), bytes(7, graph), bytes(8, number(2, 13))]);
}

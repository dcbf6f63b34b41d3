import type { NamedTensors, TensorData } from "@depinfer/protocol";
import { elementsOf } from "./tensor-bytes.ts";

export interface TensorDistance {
  readonly elements: number;
  /** Elements that are not equal bit by bit. */
  readonly differing: number;
  /**
   * Largest |a − b| over all elements, each against the largest magnitude in its tensor; infinite where names, types,
   * shapes or NaNs do not agree.
   */
  readonly relative: number;
}

/** How far two results are apart. */
export function tensorDistance(reference: NamedTensors, other: NamedTensors): TensorDistance {
  const names = [...new Set([...Object.keys(reference), ...Object.keys(other)])];
  return names
    .map((name) => distanceOf(reference[name], other[name]))
    .reduce(
      (sum, part) => ({
        elements: sum.elements + part.elements,
        differing: sum.differing + part.differing,
        relative: Math.max(sum.relative, part.relative),
      }),
      { elements: 0, differing: 0, relative: 0 },
    );
}

function distanceOf(reference: TensorData | undefined, other: TensorData | undefined): TensorDistance {
  if (
    reference === undefined ||
    other === undefined ||
    reference.type !== other.type ||
    reference.shape.join() !== other.shape.join()
  ) {
    const elements = Math.max(reference?.bytes.length ?? 0, other?.bytes.length ?? 0);
    return { elements, differing: elements, relative: Number.POSITIVE_INFINITY };
  }
  const [a, b] = [elementsOf(reference), elementsOf(other)];
  const width = a.length === 0 ? 1 : reference.bytes.length / a.length;
  const scale = a.reduce(
    (largest, value) => (Number.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest),
    0,
  );
  let differing = 0;
  let relative = 0;
  for (const [index, value] of a.entries()) {
    const rival = b[index] ?? Number.NaN;
    if (!sameBits(reference.bytes, other.bytes, index * width, width)) {
      differing += 1;
      const apart = Math.abs(value - rival);
      relative = Math.max(relative, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart === 0 ? 0 : apart / scale);
    }
  }
  return { elements: a.length, differing, relative };
}

function sameBits(a: Uint8Array, b: Uint8Array, from: number, width: number): boolean {
  for (let index = from; index < from + width; index++) {
    if (a[index] !== b[index]) {
      return false;
    }
  }
  return true;
}

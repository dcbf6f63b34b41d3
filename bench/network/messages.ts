/** Bytes that both sides of the network benchmark exchange, the same over every transport. */

/** A short answer, as a JSON completion is. */
export const ANSWER = Buffer.alloc(700, "b");

/** One token's server-sent event. */
export const PIECE = Buffer.alloc(190, "c");

const REQUEST_BYTES = 1_024;

/** A request of 1 KiB that asks for a stream of `pieces`, or for the short answer when that is 0. */
export function requestFor(pieces: number): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES, "a");
  request.writeUInt32BE(pieces, 0);
  return request;
}

export function piecesWanted(request: Uint8Array): number {
  return new DataView(request.buffer, request.byteOffset, 4).getUint32(0);
}

export function answerBytes(pieces: number): number {
  return pieces === 0 ? ANSWER.length : pieces * PIECE.length;
}

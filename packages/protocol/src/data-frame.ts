import { DepinferError } from "./errors.ts";

/*
 * DATA payload:
 *
 *   | u16 n | n x u32 token id, little-endian | UTF-8 text |
 *
 * The text is what the token ids made visible: a token may end in the middle of a character, so bytes may lag behind
 * ids. Ids are what is metered and proven; the text is what the app reads.
 */

/** A DATA payload for up to 65,535 tokens and the text that became complete with them. */
export function encodeData(tokens: readonly number[], text: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 + 4 * tokens.length + text.length);
  const view = new DataView(out.buffer);
  view.setUint16(0, tokens.length);
  for (let i = 0; i < tokens.length; i++) {
    view.setUint32(2 + 4 * i, tokens[i] ?? 0, true);
  }
  out.set(text, 2 + 4 * tokens.length);
  return out;
}

/** Appends the payload's token ids to `tokens` and returns the text bytes (a view, not a copy). */
export function decodeData(payload: Uint8Array, tokens: number[]): Uint8Array {
  const count = payload.length >= 2 ? ((payload[0] ?? 0) << 8) | (payload[1] ?? 0) : -1;
  const textStart = 2 + 4 * count;
  if (count < 0 || payload.length < textStart) {
    throw new DepinferError({
      code: "data.malformed",
      message: `DATA payload of ${payload.length} bytes cannot hold ${count} token ids`,
      remedy: "The peer breaks the protocol; use another one",
    });
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  for (let i = 0; i < count; i++) {
    tokens.push(view.getUint32(2 + 4 * i, true));
  }
  return payload.subarray(textStart);
}

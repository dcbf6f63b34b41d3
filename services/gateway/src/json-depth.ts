import { DepinferError } from "@depinfer/protocol";

/** Deeper than any schema or tool argument that people write, and far from what exhausts the stack of a recursive reader. */
const MOST_DEPTH = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);

/** Refuses JSON that is nested too deep, before it is parsed. @throws DepinferError `request.malformed`. */
export function checkDepth(json: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) {
        at += 1;
      } else if (byte === QUOTE) {
        inString = false;
      }
    } else if (byte === QUOTE) {
      inString = true;
    } else if (OPEN.has(byte)) {
      depth += 1;
      if (depth > MOST_DEPTH) {
        throw new DepinferError({
          code: "request.malformed",
          message: `The body is nested more than ${MOST_DEPTH} levels deep`,
          remedy: "Send flatter JSON",
          metadata: { limit: MOST_DEPTH },
        });
      }
    } else if (CLOSE.has(byte)) {
      depth -= 1;
    }
  }
}

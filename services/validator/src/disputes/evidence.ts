import { gunzipSync, gzipSync } from "node:zlib";
import {
  concatBytes,
  DepinferError,
  decodeMessage,
  encodeMessage,
  fromHex,
  type Hex,
  openSealed,
  type RandomBytes,
  type SealingKey,
  seal,
  type Transcript,
  toHex,
  transcriptSchema,
  utf8,
} from "@depinfer/protocol";

/*
 * A transcript as it is published in a dispute:
 *
 *   u8 0 | gzip of the transcript's JSON                     for everybody
 *   u8 1 | the same, sealed for the jurors of one round      else
 */
const PLAIN = 0;
const SEALED = 1;
/** A transcript of a million tokens has about 8 MB; more is a bomb. */
const MOST_BYTES = 16 * 1024 * 1024;

/** What evidence is sealed for: this dispute. */
function disputeContext(id: Hex): Uint8Array {
  return concatBytes(utf8("depinfer/dispute/1"), fromHex(id, 32));
}

export function publicEvidence(transcript: Transcript): Hex {
  return toHex(concatBytes(Uint8Array.of(PLAIN), gzipSync(encodeMessage(transcript))));
}

/** @param readers sealing keys of the jurors, from the validator set. */
export function sealedEvidence(
  transcript: Transcript,
  {
    id,
    readers,
    randomBytes,
  }: { readonly id: Hex; readonly readers: readonly Hex[]; readonly randomBytes: RandomBytes },
): Hex {
  const sealed = seal(gzipSync(encodeMessage(transcript)), { readers, context: disputeContext(id), randomBytes });
  return toHex(concatBytes(Uint8Array.of(SEALED), sealed));
}

/**
 * The transcript in a piece of evidence. That it is the disputed receipt's is not said by this.
 *
 * @throws DepinferError `evidence.malformed`, `seal.…` for what is not for this reader, `message.malformed`.
 */
export function openEvidence(data: Hex, { id, key }: { readonly id: Hex; readonly key: SealingKey }): Transcript {
  const bytes = fromHex(data);
  const payload = bytes.subarray(1);
  switch (bytes[0]) {
    case PLAIN:
      return decodeMessage(transcriptSchema, inflated(payload), "evidence");
    case SEALED:
      return decodeMessage(
        transcriptSchema,
        inflated(openSealed(payload, { key, context: disputeContext(id) })),
        "sealed evidence",
      );
    default:
      throw malformed(`its first byte is ${bytes[0] ?? "missing"}`);
  }
}

function inflated(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    throw malformed("it does not unpack", cause);
  }
}

function malformed(reason: string, cause?: unknown): DepinferError {
  return new DepinferError({
    code: "evidence.malformed",
    message: `The piece of evidence is none: ${reason}`,
    remedy: "Encode it as `specs/07-disputes.md` says",
    metadata: { reason },
    cause,
  });
}

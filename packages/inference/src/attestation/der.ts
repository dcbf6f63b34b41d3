/** One element of DER (ITU-T X.690): a tag, a definite length, and that many bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The whole element with its header; what signatures cover. */
  readonly whole: Uint8Array;
}

export const DER = { integer: 0x02, bitString: 0x03, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 } as const;

/** The elements that follow each other in `bytes`. @throws RangeError when a length does not fit. */
export function derElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const { length, header } = lengthAt(bytes, at + 1);
    const start = at + 1 + header;
    if (start + length > bytes.length) {
      throw new RangeError(`an element of ${length} bytes does not fit into ${bytes.length - start}`);
    }
    elements.push({ tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return elements;
}

function lengthAt(bytes: Uint8Array, at: number): { readonly length: number; readonly header: number } {
  const first = bytes[at];
  if (first === undefined) {
    throw new RangeError("the length is missing");
  }
  if (first < 0x80) {
    return { length: first, header: 1 };
  }
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + count >= bytes.length) {
    throw new RangeError(`a length in ${count} bytes cannot be read`);
  }
  const length = bytes.subarray(at + 1, at + 1 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return { length, header: 1 + count };
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime in UTC. @throws RangeError when it is neither. */
export function derTime({ tag, content }: DerElement): number {
  const text = new TextDecoder().decode(content);
  const [, year = "", month = "", day = "", hour = "", minute = "", second = ""] =
    (tag === DER.utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
      text,
    ) ?? [];
  const whole = tag === DER.utcTime ? (Number(year) < 50 ? `20${year}` : `19${year}`) : year;
  const time = Date.parse(`${whole}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time) || (tag !== DER.utcTime && tag !== DER.generalizedTime)) {
    throw new RangeError(`${JSON.stringify(text)} is not a time`);
  }
  return time;
}

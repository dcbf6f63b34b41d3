import { DepinferError } from "@depinfer/protocol";

/** Characters that a line of an upstream may have; a chunk with the log-probabilities of one token has a few thousand. */
export const MOST_LINE = 4_194_304;

const LINE_END = /\r\n|\n|\r/;

/**
 * Splits a server-sent event stream into the contents of its `data:` lines, whatever pieces it arrives in.
 * Comments (heartbeats), event names and ids are skipped.
 *
 * @throws DepinferError `upstream.malformed` for a line of more than `mostLine` characters, which is not kept.
 */
export async function* eventData(
  chunks: AsyncIterable<Uint8Array>,
  mostLine = MOST_LINE,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  /** Of the line that has not ended yet, in pieces: joined with each chunk it would be copied over and over. */
  let pieces: string[] = [];
  let length = 0;
  /** A line end may be cut in two: the line feed after this one's carriage return ends no other line. */
  let returned = false;
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true });
    if (text === "") {
      continue;
    }
    if (returned && text.startsWith("\n")) {
      text = text.slice(1);
    }
    returned = text === "" ? false : text.endsWith("\r");
    const lines = text.split(LINE_END);
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      const whole = pieces.join("") + line;
      pieces = [];
      length = 0;
      const data = dataOf(whole, mostLine);
      if (data !== null) {
        yield data;
      }
    }
    length += rest.length;
    if (length > mostLine) {
      throw tooLong(mostLine);
    }
    if (rest !== "") {
      pieces.push(rest);
    }
  }
  const data = dataOf(pieces.join(""), mostLine);
  if (data !== null) {
    yield data;
  }
}

function dataOf(line: string, mostLine: number): string | null {
  if (line.length > mostLine) {
    throw tooLong(mostLine);
  }
  return line.startsWith("data:") ? line.slice(5).trimStart() : null;
}

function tooLong(mostLine: number): DepinferError {
  return new DepinferError({
    code: "upstream.malformed",
    message: `The upstream sent a line of more than ${mostLine} characters`,
    remedy: "Check that the upstream speaks OpenAI's streaming format",
    metadata: { mostLine },
  });
}

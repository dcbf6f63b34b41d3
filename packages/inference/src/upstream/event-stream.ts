/**
 * Splits a server-sent event stream into the contents of its `data:` lines, whatever pieces it arrives in.
 * Comments (heartbeats), event names and ids are skipped.
 */
export async function* eventData(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data:")) {
        yield line.slice(5).trimStart();
      }
    }
  }
  if (rest.startsWith("data:")) {
    yield rest.slice(5).trimStart();
  }
}

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sirv from "sirv";

/** A server of the built app, as any host of static files is one, and of pages to compare it with. */
export interface PageServer {
  readonly url: string;
  /** Bytes of a file after gzip. */
  gzipBytes(path: string): number;
  stop(): Promise<void>;
}

const ROWS = 10_000;

/** A page of nothing but text: what the browser and this machine need at least. */
const TEXT_PAGE = `<!doctype html><html lang="en"><title>text</title><h1>AI answers that can be checked</h1><p>${"Some words of text. ".repeat(40)}</p></html>`;

/** The same offers as a plain table with every row in the document. */
const TABLE_PAGE = `<!doctype html><html lang="en"><title>table</title><style>div{height:36rem;overflow:auto}</style><div><table>${Array.from(
  { length: ROWS },
  (_, index) =>
    `<tr>${Array.from({ length: 10 }, (_cell, column) => `<td>offer ${index} ${column}</td>`).join("")}</tr>`,
).join("")}</table></div></html>`;

export async function startPageServer(folder: string, indexerUrl: string): Promise<PageServer> {
  const files = sirv(folder, { brotli: true, gzip: true });
  const fixed = new Map([
    ["/config.json", ["application/json", JSON.stringify({ indexerUrl })]],
    ["/text.html", ["text/html", TEXT_PAGE]],
    ["/table.html", ["text/html", TABLE_PAGE]],
  ]);
  const server: Server = createServer((request, response) => {
    const found = fixed.get((request.url ?? "/").split("?", 1)[0] ?? "/");
    if (found === undefined) {
      files(request, response, () => void response.writeHead(404).end());
      return;
    }
    const [type = "", body = ""] = found;
    response.writeHead(200, { "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`,
    gzipBytes(path) {
      const file = join(folder, path);
      return existsSync(`${file}.gz`) ? readFileSync(`${file}.gz`).length : gzipSync(readFileSync(file)).length;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

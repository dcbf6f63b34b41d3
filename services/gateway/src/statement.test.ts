import type { StatementRow } from "@depinfer/client";
import { microUsd } from "@depinfer/protocol";
import { assert, property, string } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statementCsv, statementOf } from "./statement.ts";
import { account, startTestGateway, type TestGateway } from "./test-gateway.ts";

const row = (changes: Partial<StatementRow> = {}): StatementRow => ({
  day: "2026-07-31",
  account: "one",
  model: "words",
  provider: account,
  pass: null,
  requests: 2,
  promptTokens: 10,
  cachedTokens: 4,
  outputTokens: 7,
  cost: microUsd(1_500_000),
  ...changes,
});

let running: TestGateway;
let asked: unknown[] = [];
beforeAll(async () => {
  running = await startTestGateway({}, (_journal, standIn) => ({
    buyer: {
      ...standIn.buyer,
      statement(query) {
        asked.push(query);
        return [row(), row({ day: "2026-08-01", pass: 7n, cost: microUsd(1) })];
      },
    },
  }));
});
afterAll(() => running.stop());

/** A reader of CSV that follows RFC 4180, independent of the writer. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] ?? "";
    if (quoted) {
      if (letter === '"' && text[i + 1] === '"') {
        cell += '"';
        i++;
      } else if (letter === '"') {
        quoted = false;
      } else {
        cell += letter;
      }
    } else if (letter === '"') {
      quoted = true;
    } else if (letter === "," || letter === "\r") {
      rows.at(-1)?.push(cell);
      cell = "";
      if (letter === "\r") {
        i++;
        rows.push([]);
      }
    } else {
      cell += letter;
    }
  }
  return rows.slice(0, -1);
}

describe("a statement", () => {
  test("says what a key bought, with the sum, in units and dollars", async () => {
    asked = [];
    const reply = await running.call("/v1/statement?since=2026-07-31&until=2026-08-02T00:00:00Z");
    expect(asked).toEqual([{ account: "one", since: Date.UTC(2026, 6, 31), until: Date.UTC(2026, 7, 2) }]);
    expect(JSON.parse(reply.text)).toEqual({
      object: "statement",
      account: "one",
      since: "2026-07-31T00:00:00.000Z",
      until: "2026-08-02T00:00:00.000Z",
      lines: [
        {
          day: "2026-07-31",
          account: "one",
          model: "words",
          provider: account,
          pass: null,
          requests: 2,
          promptTokens: 10,
          cachedTokens: 4,
          outputTokens: 7,
          cost: "1500000",
          costUsd: "$1.50",
        },
        expect.objectContaining({ day: "2026-08-01", pass: "7", cost: "1", costUsd: "$0.000001" }),
      ],
      total: {
        requests: 4,
        promptTokens: 20,
        cachedTokens: 8,
        outputTokens: 14,
        cost: "1500001",
        costUsd: "$1.500001",
      },
    });
  });

  test("comes as CSV with the same sum in its last row", async () => {
    const reply = await running.call("/v1/statement?format=csv");
    expect(reply.headers["content-type"]).toContain("text/csv");
    const [head, ...rows] = readCsv(reply.text);
    expect(rows.map((cells) => cells.length)).toEqual([head?.length, head?.length, head?.length]);
    expect(rows.at(-1)?.slice(-6)).toEqual(["4", "20", "8", "14", "1500001", "$1.500001"]);
  });

  test.each([
    "format=xml",
    "since=yesterday",
    "since=2026-13-01",
    "since=2026-02-31",
    "until=-1",
    "since=2026-02-02&until=2026-02-01",
  ])("with %s is refused by the parameter's name", async (query) => {
    const reply = await running.call(`/v1/statement?${query}`);
    expect(reply).toMatchObject({ status: 400, error: { param: query.split("=", 1)[0] } });
  });

  test("needs a key", async () => {
    expect(await running.call("/v1/statement", { headers: { authorization: "" } })).toMatchObject({ status: 401 });
  });
});

test("no cell is read as a formula, and every name comes through", () => {
  assert(
    property(string({ unit: "binary" }), (model) => {
      const csv = statementCsv(statementOf({ statement: () => [row({ model })] }, { since: 0, until: 1 }));
      const cell = readCsv(csv)[1]?.[2] ?? "";
      expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
      expect(cell === model || cell === `'${model}`).toBe(true);
    }),
    { numRuns: 2_000 },
  );
  for (const model of ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil")', "\t=1"]) {
    const csv = statementCsv(statementOf({ statement: () => [row({ model })] }, { since: 0, until: 1 }));
    expect(readCsv(csv)[1]?.[2]).toBe(`'${model}`);
  }
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { tokenEvidence } from "./token-evidence.ts";

const folder = join(import.meta.dirname, "fixtures");
const fixture = z.strictObject({
  server: z.string(),
  chunks: z.array(z.object({ choices: z.array(z.looseObject({})) })),
  ids: z.array(z.number()),
  logprobs: z.array(z.number()),
  text: z.string(),
});
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => fixture.parse(JSON.parse(readFileSync(join(folder, name), "utf8"))));

describe("what a server tells of its tokens", () => {
  test.each(fixtures.map((each) => [each.server, each] as const))("%s", (_server, { chunks, ids, logprobs }) => {
    const found = chunks.flatMap(({ choices }) => choices.map(tokenEvidence));
    expect(found.flatMap((evidence) => [...evidence.ids])).toEqual(ids);
    expect(found.flatMap((evidence) => [...(evidence.logprobs ?? [])])).toEqual(logprobs);
  });

  test("ids without a value for each give no values, since nobody could tell which is whose", () => {
    const content = [{ token: "a", logprob: -1 }];
    expect(tokenEvidence({ token_ids: [5, 6], logprobs: { content } })).toEqual({ ids: [5, 6], logprobs: null });
    expect(tokenEvidence({ logprobs: { tokens: ["token_id:5"], token_logprobs: [null] } })).toEqual({
      ids: [5],
      logprobs: null,
    });
  });

  test("one token without an id makes all of them text", () => {
    const content = [
      { id: 5, token: "a", logprob: -1 },
      { token: "b", logprob: -1 },
    ];
    expect(tokenEvidence({ logprobs: { content } })).toEqual({ ids: [], logprobs: null });
  });

  test("ids that no vocabulary has are none", () => {
    for (const token of ["token_id:", "token_id:-1", "token_id:99999999999", "token_id:1.5", " token_id:1", "1"]) {
      expect(tokenEvidence({ logprobs: { content: [{ token, logprob: -1 }] } }).ids, token).toEqual([]);
    }
    for (const token_ids of [[-1], [1.5], ["1"], [2 ** 32], "1", [null]]) {
      expect(tokenEvidence({ token_ids }).ids).toEqual([]);
    }
  });

  test("anything at all can be read without a failure, and values never outnumber ids", () => {
    const token = fc.record(
      {
        id: fc.oneof(fc.nat(), fc.anything()),
        token: fc.oneof(
          fc.string(),
          fc.nat().map((n) => `token_id:${n}`),
        ),
        logprob: fc.oneof(fc.double(), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const choice = fc.record(
      {
        token_ids: fc.oneof(fc.array(fc.nat()), fc.anything()),
        logprobs: fc.oneof(
          fc.record({ content: fc.array(token) }),
          fc.record({ tokens: fc.array(fc.string()), token_logprobs: fc.array(fc.option(fc.double())) }),
          fc.anything(),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(choice, fc.anything()), (value) => {
        const { ids, logprobs } = tokenEvidence(value);
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 32)).toBe(true);
        expect(logprobs === null || logprobs.length === ids.length).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

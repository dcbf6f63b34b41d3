import { createHash } from "node:crypto";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { discard, startTestNetwork, type TestNetwork, waitFor } from "../e2e/local-network.ts";

/* A batch whose gateway is killed in the middle ends all the same, and no line of it is charged twice. */

let network: TestNetwork;

beforeAll(async () => {
  network = await startTestNetwork(["--providers", "2", "--validators", "0"]);
  await network.client.waitForOffers(2);
}, 120_000);
afterAll(() => discard(network));

const LINES = 24;
const outputSchema = z.object({
  custom_id: z.string(),
  response: z.object({
    request_id: z.string(),
    body: z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) }),
  }),
});
const receiptSchema = z.looseObject({
  receipt: z.looseObject({ receipt: z.looseObject({ textHash: z.string(), stopReason: z.string() }) }),
});

const statementSchema = z.object({ lines: z.array(z.object({ requests: z.number() })) });

test("kill -9 in the middle of a batch", async () => {
  const client = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey, maxRetries: 0 });
  const model = (await client.models.list()).data[0]?.id ?? "";
  const line = (number: number) =>
    JSON.stringify({
      custom_id: `line-${number}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model, messages: [{ role: "user", content: `Story ${number}.` }], max_tokens: 60 },
    });
  const file = await client.files.create({
    purpose: "batch",
    file: new File([Array.from({ length: LINES }, (_, number) => line(number)).join("\n")], "batch.jsonl"),
  });
  const { id } = await client.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const completed = async () => {
    try {
      return (await client.batches.retrieve(id)).request_counts?.completed ?? 0;
    } catch {
      return 0;
    }
  };
  await waitFor(
    async () => (await completed()) > 2,
    30_000,
    () => "no line was answered",
  );
  const victim = network.pid("gateway");
  process.kill(victim, "SIGKILL");
  await waitFor(
    () => network.pid("gateway") !== victim,
    30_000,
    () => "the gateway did not come back",
  );
  await waitFor(
    async () => {
      try {
        return (await client.batches.retrieve(id)).status === "completed";
      } catch {
        return false;
      }
    },
    120_000,
    () => `the batch did not end:\n${network.output()}`,
  );
  const batch = await client.batches.retrieve(id);
  expect(batch.request_counts).toEqual({ total: LINES, completed: LINES, failed: 0 });
  const text = await (await client.files.content(batch.output_file_id ?? "")).text();
  const lines = text
    .trim()
    .split("\n")
    .map((one) => outputSchema.parse(JSON.parse(one)));
  expect(lines.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: LINES }, (_, n) => `line-${n}`));
  // Each line is the whole text of one receipt: what was cut off by the kill is bought again, not told in part.
  const told = new Map(lines.map(({ response }) => [response.request_id, response.body.choices[0]?.message.content]));
  expect(told.size).toBe(LINES);
  for (const [requestId, content] of told) {
    const signed = await network.client.get(`/v1/receipts/${requestId}`, receiptSchema);
    const { receipt } = signed.receipt;
    expect(receipt.textHash).toBe(
      `0x${createHash("sha256")
        .update(content ?? "")
        .digest("hex")}`,
    );
    expect(receipt.stopReason).not.toBe("cancelled");
  }
  const { lines: charged } = await network.client.get("/v1/statement", statementSchema);
  expect(charged.reduce((sum, { requests }) => sum + requests, 0)).toBe(LINES);
}, 240_000);

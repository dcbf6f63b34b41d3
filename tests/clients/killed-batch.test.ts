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
const outputSchema = z.object({ custom_id: z.string(), response: z.object({ request_id: z.string() }) });
const receiptsSchema = z.object({ data: z.array(z.object({ id: z.string(), state: z.string(), cost: z.string() })) });

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
  // Whatever was charged and is in no line was cut off by the kill before its answer was whole, and is paid as far as it came.
  const { data } = await network.client.get("/v1/receipts", receiptsSchema);
  const told = new Set(lines.map(({ response }) => response.request_id));
  const whole = data.filter((request) => request.state === "done");
  expect(told.size).toBe(LINES);
  expect(whole.filter((request) => told.has(request.id))).toHaveLength(LINES);
}, 240_000);

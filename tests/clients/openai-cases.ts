import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { chatAnswerSchema, chatChunkSchema } from "../../services/gateway/src/openapi/answer-schemas.ts";
import { type Endpoint, eventsOf, paint, post, verdict } from "./published.ts";

const messages = [{ role: "user" as const, content: "Tell me of a dog." }];
const tools = [{ type: "function" as const, function: paint }];

/** `openai`, as every other app uses it. */
export function openaiCases(at: () => Endpoint): void {
  const client = () => new OpenAI({ baseURL: `${at().url}/v1`, apiKey: at().apiKey, maxRetries: 0 });

  describe("openai", () => {
    test("models", async () => {
      const { data } = await client().models.list();
      expect(data.map(({ id }) => id)).toContain(at().model);
      expect(await client().models.retrieve(at().model)).toMatchObject({ object: "model" });
    });

    test("chat", async () => {
      const answer = await client().chat.completions.create({ model: at().model, messages, max_tokens: 12 });
      expect(answer.choices[0]?.message.content).not.toBe("");
      expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
    });

    test("chat, streamed, is the chat", async () => {
      const body = { model: at().model, messages, max_tokens: 24, seed: 3 };
      const whole = await client().chat.completions.create(body);
      const stream = client().chat.completions.stream({ ...body, stream_options: { include_usage: true } });
      const streamed = await stream.finalChatCompletion();
      expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
      expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
    });

    test("several choices", async () => {
      const body = { model: at().model, messages, max_tokens: 8, n: 3, seed: 5 };
      const { choices } = await client().chat.completions.create(body);
      expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(new Set(choices.map(({ message }) => message.content)).size).toBeGreaterThan(1);
      const again = await client().chat.completions.create(body);
      expect(again.choices.map(({ message }) => message.content)).toEqual(
        choices.map(({ message }) => message.content),
      );
    });

    test("stop, penalties, bias and top_p", async () => {
      const body = { model: at().model, messages, max_tokens: 16, seed: 1 };
      const shaped = await client().chat.completions.create({
        ...body,
        stop: ["."],
        presence_penalty: 0.5,
        frequency_penalty: 0.5,
        logit_bias: { "5": -100 },
        top_p: 0.9,
        user: "somebody",
      });
      expect(shaped.choices[0]?.message.content).not.toContain(".");
    });

    test("log-probabilities", async () => {
      const answer = await client().chat.completions.create({
        model: at().model,
        messages,
        max_tokens: 6,
        logprobs: true,
        top_logprobs: 3,
      });
      const told = answer.choices[0]?.logprobs?.content ?? [];
      expect(told).toHaveLength(answer.usage?.completion_tokens ?? -1);
      expect(told.every(({ logprob, top_logprobs }) => logprob <= 0 && top_logprobs.length === 3)).toBe(true);
    });

    test("a tool that has to be called", async () => {
      const body = { model: at().model, messages, tools, max_tokens: 200 };
      const answer = await client().chat.completions.create({
        ...body,
        tool_choice: { type: "function", function: { name: "paint" } },
      });
      expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
      const [call] = answer.choices[0]?.message.tool_calls ?? [];
      expect(call?.type === "function" ? JSON.parse(call.function.arguments) : null).toMatchObject({
        colour: expect.stringMatching(/^(red|blue)$/),
      });
      const stream = client().chat.completions.stream({ ...body, tool_choice: "required", parallel_tool_calls: false });
      const streamed = await stream.finalChatCompletion();
      expect(streamed.choices[0]?.message.tool_calls).toHaveLength(1);
      const result = await client().chat.completions.create({
        model: at().model,
        max_tokens: 8,
        tools,
        tool_choice: "none",
        messages: [
          ...messages,
          { role: "assistant", content: null, tool_calls: streamed.choices[0]?.message.tool_calls ?? [] },
          { role: "tool", tool_call_id: streamed.choices[0]?.message.tool_calls?.[0]?.id ?? "", content: "done" },
        ],
      });
      expect(result.choices[0]?.finish_reason).not.toBe("tool_calls");
    });

    test("answers in a schema, and in JSON", async () => {
      const answer = await client().chat.completions.create({
        model: at().model,
        messages,
        max_tokens: 100,
        response_format: { type: "json_schema", json_schema: { name: "verdict", schema: verdict, strict: true } },
      });
      expect(JSON.parse(answer.choices[0]?.message.content ?? "")).toEqual({ good: expect.any(Boolean) });
    });

    test("completions", async () => {
      const answer = await client().completions.create({
        model: at().model,
        prompt: "Once",
        max_tokens: 8,
        logprobs: 2,
      });
      expect(answer.choices[0]?.logprobs?.tokens).toHaveLength(8);
    });

    test("embeddings, as base64 and as numbers", async () => {
      const texts = ["a dog", "a cat"];
      const { data } = await client().embeddings.create({ model: at().model, input: texts });
      const plain = await client().embeddings.create({ model: at().model, input: texts, encoding_format: "float" });
      expect(data).toHaveLength(2);
      expect(data[0]?.embedding).toEqual(plain.data[0]?.embedding);
    });

    test("an abort", async () => {
      const stream = await client().chat.completions.create({
        model: at().model,
        messages,
        max_tokens: 400,
        stream: true,
      });
      let chunks = 0;
      for await (const _ of stream) {
        chunks += 1;
        if (chunks === 3) {
          break;
        }
      }
      expect(chunks).toBe(3);
      const after = await client().chat.completions.create({ model: at().model, messages, max_tokens: 4 });
      expect(after.choices).toHaveLength(1);
    });

    test("refusals by name", async () => {
      const refused = client().chat.completions.create({ model: at().model, messages, n: 100 });
      await expect(refused).rejects.toMatchObject({ status: 400, param: "n" });
      const unknown = client().chat.completions.create({ model: "none", messages });
      await expect(unknown).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    });

    test("a batch", async () => {
      const line = (custom_id: string) =>
        JSON.stringify({
          custom_id,
          method: "POST",
          url: "/v1/chat/completions",
          body: { model: at().model, messages, max_tokens: 4 },
        });
      const file = await client().files.create({
        purpose: "batch",
        file: new File([["a", "b", "c"].map(line).join("\n")], "batch.jsonl"),
      });
      const { id } = await client().batches.create({
        input_file_id: file.id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      await expect
        .poll(async () => (await client().batches.retrieve(id)).status, { timeout: 30_000 })
        .toBe("completed");
      const { output_file_id } = await client().batches.retrieve(id);
      const text = await (await client().files.content(output_file_id ?? "")).text();
      expect(text.trim().split("\n")).toHaveLength(3);
    });

    test("every body and chunk follows the document", async () => {
      const body = { model: at().model, messages, max_tokens: 8, logprobs: true };
      chatAnswerSchema.parse(JSON.parse((await post(at(), "/v1/chat/completions", body)).text));
      const streamed = await post(at(), "/v1/chat/completions", { ...body, stream: true });
      for (const chunk of eventsOf(streamed.text)) {
        chatChunkSchema.parse(chunk);
      }
    });
  });
}

import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { responseAnswerSchema } from "../../services/gateway/src/openapi/answer-schemas.ts";
import { type Endpoint, eventsOf, paint, post } from "./published.ts";

const tool = { type: "function", ...paint, strict: true };
const eventSchema = z.looseObject({ type: z.string(), sequence_number: z.int() });

/** The seven cases by which Open Responses judges an endpoint, and the client of its first implementation. */
export function responseCases(at: () => Endpoint): void {
  const ask = async (body: object) => {
    const { status, text } = await post(at(), "/v1/responses", { model: at().model, max_output_tokens: 200, ...body });
    expect(status, text).toBe(200);
    return text;
  };
  const whole = async (body: object) => responseAnswerSchema.parse(JSON.parse(await ask(body)));
  const streamed = async (body: object) => {
    const events = eventsOf(await ask({ ...body, stream: true })).map((event) => eventSchema.parse(event));
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect(events[0]?.type).toBe("response.created");
    return events;
  };

  describe("Open Responses", () => {
    test("basic text", async () => {
      const { status, output } = await whole({ input: "Say hello.", max_output_tokens: 8 });
      expect(["completed", "incomplete"]).toContain(status);
      expect(output[0]).toMatchObject({ type: "message", role: "assistant" });
    });

    test("streaming", async () => {
      const events = await streamed({ input: "Count.", max_output_tokens: 8 });
      const types = events.map(({ type }) => type);
      expect(types).toEqual(expect.arrayContaining(["response.output_item.added", "response.output_text.done"]));
      expect(types.at(-1)).toMatch(/^response\.(completed|incomplete)$/);
      responseAnswerSchema.parse(events.at(-1)?.response);
    });

    test("a system prompt", async () => {
      const input = [
        { type: "message", role: "system", content: "You are a pirate." },
        { type: "message", role: "user", content: "Say hello." },
      ];
      expect((await whole({ input, max_output_tokens: 8 })).output).toHaveLength(1);
    });

    test("a tool", async () => {
      const { output } = await whole({ input: "Paint it.", tools: [tool], tool_choice: "required" });
      expect(output.find(({ type }) => type === "function_call")).toMatchObject({ name: "paint" });
    });

    test("a tool, streamed", async () => {
      const events = await streamed({ input: "Paint it.", tools: [tool], tool_choice: "required" });
      const pieces = events.filter(({ type }) => type === "response.function_call_arguments.delta");
      const [done] = events.filter(({ type }) => type === "response.function_call_arguments.done");
      const first = pieces.filter(({ item_id }) => item_id === done?.item_id);
      expect(first.map(({ delta }) => delta).join("")).toBe(done?.arguments);
    });

    test("an image is refused by its name", async () => {
      const content = [
        { type: "input_text", text: "What is it?" },
        { type: "input_image", image_url: "data:image/png;base64,AAAA" },
      ];
      const { status, text } = await post(at(), "/v1/responses", {
        model: at().model,
        input: [{ type: "message", role: "user", content }],
      });
      expect(status).toBe(400);
      expect(text).toMatch(/image/);
    });

    test("several turns", async () => {
      const input = [
        { type: "message", role: "user", content: "My name is Ada." },
        { type: "message", role: "assistant", content: "Hello Ada." },
        { type: "message", role: "user", content: "Who am I?" },
      ];
      expect((await whole({ input, max_output_tokens: 8 })).output).toHaveLength(1);
    });

    test("openai: a conversation that is kept", async () => {
      const client = new OpenAI({ baseURL: `${at().url}/v1`, apiKey: at().apiKey, maxRetries: 0 });
      const first = await client.responses.create({ model: at().model, input: "One.", max_output_tokens: 8 });
      const stream = client.responses.stream({
        model: at().model,
        input: "Two.",
        max_output_tokens: 8,
        previous_response_id: first.id,
      });
      const second = await stream.finalResponse();
      expect((await client.responses.retrieve(second.id)).output_text).toBe(second.output_text);
      expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0);
    });
  });
}

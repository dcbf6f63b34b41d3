import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, test } from "vitest";
import { type Endpoint, paint } from "./published.ts";

const messages = [{ role: "user" as const, content: "Tell me of a dog." }];
const tools = [
  { name: paint.name, description: paint.description, input_schema: { ...paint.parameters, required: ["colour"] } },
];

/** `@anthropic-ai/sdk`, with its own key header. */
export function anthropicCases(at: () => Endpoint): void {
  const client = () => new Anthropic({ baseURL: at().url, apiKey: at().apiKey, maxRetries: 0 });

  describe("@anthropic-ai/sdk", () => {
    test("messages", async () => {
      const message = await client().messages.create({
        model: at().model,
        messages,
        max_tokens: 12,
        system: "Be kind.",
      });
      expect(message).toMatchObject({ type: "message", role: "assistant", content: [{ type: "text" }] });
      expect(message.usage.output_tokens).toBeGreaterThan(0);
    });

    test("messages, streamed", async () => {
      const stream = client().messages.stream({ model: at().model, messages, max_tokens: 12 });
      let text = "";
      stream.on("text", (piece) => {
        text += piece;
      });
      const message = await stream.finalMessage();
      expect(message.content[0]).toMatchObject({ type: "text", text });
    });

    test("a tool that has to be used, and its result", async () => {
      const body = { model: at().model, max_tokens: 200, tools };
      const used = await client()
        .messages.stream({ ...body, messages, tool_choice: { type: "tool", name: "paint" } })
        .finalMessage();
      expect(used.stop_reason).toBe("tool_use");
      const call = used.content.find((block) => block.type === "tool_use");
      expect(call?.input).toMatchObject({ colour: expect.stringMatching(/^(red|blue)$/) });
      const after = await client().messages.create({
        ...body,
        max_tokens: 8,
        tool_choice: { type: "none" },
        messages: [
          ...messages,
          { role: "assistant", content: [{ type: "tool_use", id: call?.id ?? "", name: "paint", input: call?.input }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: call?.id ?? "", content: "done" }] },
        ],
      });
      expect(after.content[0]?.type).toBe("text");
    });

    test("errors", async () => {
      const work = client().messages.create({ model: "none", messages, max_tokens: 4 });
      await expect(work).rejects.toMatchObject({ status: 404 });
    });
  });
}

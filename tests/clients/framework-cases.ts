import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { generateText, jsonSchema, Output, streamText, tool } from "ai";
import { describe, expect, test } from "vitest";
import { type Endpoint, paint, verdict } from "./published.ts";

/** The two frameworks that most agents are built on. */
export function frameworkCases(at: () => Endpoint): void {
  describe("@ai-sdk/openai-compatible", () => {
    const model = () =>
      createOpenAICompatible({
        name: "depinfer",
        baseURL: `${at().url}/v1`,
        apiKey: at().apiKey,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })(at().model);
    const tools = {
      paint: tool({
        description: paint.description,
        inputSchema: jsonSchema<{ colour: string }>({ ...paint.parameters, required: ["colour"] }),
        execute: async ({ colour }) => `It is ${colour} now.`,
      }),
    };

    test("text", async () => {
      const { text, usage } = await generateText({
        model: model(),
        prompt: "A dog.",
        maxOutputTokens: 12,
        maxRetries: 0,
      });
      expect(text).not.toBe("");
      expect(usage.outputTokens).toBeGreaterThan(0);
    });

    test("text, streamed", async () => {
      const { textStream, usage } = streamText({
        model: model(),
        prompt: "A dog.",
        maxOutputTokens: 12,
        maxRetries: 0,
      });
      let text = "";
      for await (const piece of textStream) {
        text += piece;
      }
      expect(text).not.toBe("");
      expect((await usage).outputTokens).toBeGreaterThan(0);
    });

    test("a tool", async () => {
      const { toolCalls } = await generateText({
        model: model(),
        prompt: "Paint it.",
        tools,
        toolChoice: "required",
        maxOutputTokens: 200,
        maxRetries: 0,
      });
      expect(toolCalls[0]).toMatchObject({ toolName: "paint", input: { colour: expect.any(String) } });
    });

    test("an object", async () => {
      const { output } = await generateText({
        model: model(),
        prompt: "Is it good?",
        output: Output.object({ schema: jsonSchema(verdict) }),
        maxOutputTokens: 100,
        maxRetries: 0,
      });
      expect(output).toEqual({ good: expect.any(Boolean) });
    });
  });

  describe("@langchain/openai", () => {
    const configuration = () => ({ baseURL: `${at().url}/v1` });
    const model = (maxTokens: number) =>
      new ChatOpenAI({
        model: at().model,
        apiKey: at().apiKey,
        configuration: configuration(),
        maxTokens,
        maxRetries: 0,
      });

    test("text", async () => {
      const message = await model(12).invoke("A dog.");
      expect(message).toMatchObject({ usage_metadata: { output_tokens: expect.any(Number) } });
      expect(message.text).not.toBe("");
    });

    test("text, streamed", async () => {
      let text = "";
      for await (const chunk of await model(12).stream("A dog.")) {
        text += chunk.text;
      }
      expect(text).not.toBe("");
    });

    test("a tool", async () => {
      const bound = model(200).bindTools([{ type: "function", function: paint }], { tool_choice: "required" });
      const { tool_calls } = await bound.invoke("Paint it.");
      expect(tool_calls?.[0]).toMatchObject({ name: "paint", args: { colour: expect.any(String) } });
    });

    test("an object", async () => {
      const structured = model(100).withStructuredOutput(verdict, { method: "jsonSchema", name: "verdict" });
      expect(await structured.invoke("Is it good?")).toEqual({ good: expect.any(Boolean) });
    });

    test("embeddings", async () => {
      const embeddings = new OpenAIEmbeddings({
        model: at().model,
        apiKey: at().apiKey,
        configuration: configuration(),
        maxRetries: 0,
      });
      expect((await embeddings.embedQuery("a dog")).length).toBeGreaterThan(1);
    });
  });
}

import { type Generation, PLAIN_SAMPLING } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Completion, Engine } from "./engine.ts";

/** What any engine has to do, whatever is behind it. `open` may take a while; it is called once. */
export function describeEngine(name: string, open: () => Promise<Engine>): void {
  describe(`${name} behaves as an engine`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine.dispose());

    async function generate(
      text: string,
      overrides: Partial<Generation> & { maxTokens?: number; signal?: AbortSignal } = {},
    ) {
      const { maxTokens = 40, signal, ...rest } = overrides;
      const generation: Generation = {
        ...PLAIN_SAMPLING,
        prompt: { messages: [{ role: "user", content: text }] },
        temperature: 0,
        seed: null,
        stop: [],
        ...rest,
        maxTokens,
      };
      const pieces: string[] = [];
      const ids: number[] = [];
      const completion: Completion = await engine.generate(
        {
          generation,
          prompt: engine.prompt(generation),
          seed: new Uint8Array(32).fill(1),
          maxTokens,
          ...(signal === undefined ? {} : { signal }),
        },
        (tokens, piece) => {
          ids.push(...tokens);
          pieces.push(piece);
          return undefined;
        },
      );
      return { completion, pieces, ids };
    }

    test("describes itself", () => {
      const { model, classId, contextLength, slots } = engine.description;
      expect(model).not.toBe("");
      expect(classId).toMatch(/^0x[0-9a-f]{64}$/);
      expect(contextLength).toBeGreaterThan(100);
      expect(slots).toBeGreaterThan(0);
    });

    test("streams the whole answer in pieces", async () => {
      const { completion, pieces, ids } = await generate("Tell me a short story about a fox.");
      expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(3);
      expect(pieces.join("")).toBe(completion.text);
      expect(ids).toEqual([...completion.tokens]);
      expect(completion.text.length).toBeGreaterThan(20);
      expect(completion.promptTokens).toBeGreaterThan(5);
    });

    test("keeps to the limit and says so", async () => {
      const { completion } = await generate("Tell me a short story about a fox.", { maxTokens: 5 });
      expect(completion.stopReason).toBe("length");
      expect(completion.outputTokens).toBe(5);
    });

    test("ends by itself and says so", async () => {
      const { completion } = await generate("Hello!", { maxTokens: 200 });
      expect(completion.stopReason).toBe("end");
      expect(completion.outputTokens).toBeLessThan(200);
    });

    test("is repeatable at temperature 0", async () => {
      const [first, second] = [await generate("What is a receipt?"), await generate("What is a receipt?")];
      expect(second.completion.text).toBe(first.completion.text);
    });

    test("stops before a stop sequence and shows nothing of it", async () => {
      const { completion: whole } = await generate("Tell me a short story about a fox.");
      const stop = whole.text.split(" ").slice(3, 5).join(" ");
      const { completion, pieces } = await generate("Tell me a short story about a fox.", { stop: [stop] });
      expect(completion.text).toBe(whole.text.slice(0, whole.text.indexOf(stop)));
      expect(pieces.join("")).toBe(completion.text);
    });

    test("stops within a few tokens when it is told to", async () => {
      const abort = new AbortController();
      const generation: Generation = {
        ...PLAIN_SAMPLING,
        prompt: { messages: [{ role: "user", content: "Tell me a short story about a fox." }] },
        temperature: 0,
        seed: null,
        stop: [],
        maxTokens: 200,
      };
      let pieces = 0;
      const completion = await engine.generate(
        {
          generation,
          prompt: engine.prompt(generation),
          seed: new Uint8Array(32),
          maxTokens: 200,
          signal: abort.signal,
        },
        () => {
          pieces += 1;
          if (pieces === 3) {
            abort.abort();
          }
          return undefined;
        },
      );
      expect(completion.stopReason).toBe("cancelled");
      expect(completion.text.split(" ").length).toBeLessThan(40);
    });

    test("draws at most one more token once it is told to stop", async () => {
      const abort = new AbortController();
      let after = 0;
      const generation: Generation = {
        ...PLAIN_SAMPLING,
        prompt: { messages: [{ role: "user", content: "Tell me a short story about a fox." }] },
        temperature: 0,
        seed: null,
        stop: [],
        maxTokens: 200,
      };
      let pieces = 0;
      const prompt = engine.prompt(generation);
      const completion = await engine.generate(
        { generation, prompt, seed: new Uint8Array(32), maxTokens: 200, signal: abort.signal },
        () => {
          pieces += 1;
          after += abort.signal.aborted ? 1 : 0;
          if (pieces === 5) {
            abort.abort();
          }
          return undefined;
        },
      );
      expect(completion.stopReason).toBe("cancelled");
      expect(after).toBeLessThanOrEqual(1);
    });

    test("answers several requests at the same time, each its own", async () => {
      const questions = ["Hello!", "What is a receipt?", "Tell me a short story about a fox.", "Hello!"];
      const alone = [];
      for (const question of questions) {
        alone.push((await generate(question)).completion.text);
      }
      const together = await Promise.all(questions.map((question) => generate(question)));
      expect(together.map(({ completion }) => completion.text)).toEqual(alone);
    });
  });
}

import { expect, test } from "vitest";
import { bodyOf, DEFAULTS, faultsOf, policyOf } from "./settings.ts";

const messages = [{ role: "user", content: "Hello" }];

test("a request holds only what differs from the defaults", () => {
  expect(bodyOf({ ...DEFAULTS, model: "m" }, messages)).toEqual({
    model: "m",
    messages,
    temperature: 0.7,
    max_tokens: 256,
  });
});

test("everything that is set reaches the request", () => {
  const settings = {
    ...DEFAULTS,
    model: "m",
    system: "Be brief.",
    topP: "0.9",
    seed: "7",
    stop: "END\n\nFIN",
    format: "json" as const,
    maxPrice: "0.25",
    region: "eu",
    minProof: "seeded" as const,
    hedge: true,
  };
  expect(faultsOf(settings)).toEqual({});
  expect(bodyOf(settings, messages)).toMatchObject({
    messages: [{ role: "system", content: "Be brief." }, ...messages],
    top_p: 0.9,
    seed: 7,
    stop: ["END", "FIN"],
    response_format: { type: "json_object" },
    depinfer: { maxOutputPrice: "250000", regions: ["eu"], minProof: "seeded", hedge: true },
  });
  expect(policyOf(settings).maxOutputPrice).toBe(250_000n);
});

test("a call that is demanded is not demanded again once its result is there", () => {
  const settings = { ...DEFAULTS, model: "m", format: "calls" as const };
  expect(bodyOf(settings, messages).tool_choice).toBe("required");
  expect(bodyOf(settings, [...messages, { role: "tool", content: "18", tool_call_id: "a" }]).tool_choice).toBe("auto");
});

test.each([
  [{ temperature: "3" }, "temperature"],
  [{ temperature: "" }, "temperature"],
  [{ topP: "0" }, "topP"],
  [{ maxTokens: "1.5" }, "maxTokens"],
  [{ seed: "abc" }, "seed"],
  [{ maxPrice: "free" }, "maxPrice"],
  [{ format: "schema" as const, schema: "{" }, "schema"],
  [{ format: "schema" as const, schema: "null" }, "schema"],
  [{ format: "tools" as const, tools: "" }, "tools"],
  [{ format: "tools" as const, tools: "{}" }, "tools"],
])("%j is named as a fault of %s", (change, name) => {
  expect(Object.keys(faultsOf({ ...DEFAULTS, ...change }))).toEqual([name]);
});

import {
  type Constraint,
  checkSchema,
  createToolCallReader,
  type JsonSchema,
  type JsonValue,
} from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ConstraintMachine, type ConstraintState, createConstraintMachine } from "./constraint.ts";

const ALPHABET = [...'{}[]",:.-+ \n\\/_<>()0123456789abcdefghijklmnopqrstuvwxyzABCDEFTZé😀'];

/** Whether a whole text is one that the constraint describes. */
function accepts(constraint: Constraint, text: string): boolean {
  const machine = createConstraintMachine(constraint);
  const state = machine.next(machine.start, text);
  return state !== undefined && machine.ends(state);
}

/** A text that the constraint allows, written by chance; null when it does not come to an end. */
function write(machine: ConstraintMachine, pick: (count: number) => number, most: number): string | null {
  let state: ConstraintState = machine.start;
  let text = "";
  for (let length = 0; length < most; length++) {
    const from = state;
    const next = ALPHABET.filter((character) => machine.next(from, character) !== undefined);
    const closing = next.filter((character) => '"]}'.includes(character));
    if (machine.ends(state) && (next.length === 0 || pick(2) === 0)) {
      return text;
    }
    expect(next.length).toBeGreaterThan(0);
    // Towards the end whatever closes something is preferred, so that most texts come to an end.
    const from2 = closing.length > 0 && length > most / 4 ? closing : next;
    const character = from2[pick(from2.length)] ?? "";
    text += character;
    state = machine.next(state, character) ?? state;
  }
  return null;
}

const schema = (value: JsonSchema): Constraint => ({ kind: "schema", schema: value });

describe("a schema", () => {
  test.each<[JsonSchema, readonly string[], readonly string[]]>([
    [{ type: "integer" }, ["0", "-12", "123456789012345"], ["", "01", "1.5", "-", "1234567890123456", '"1"']],
    [{ type: "integer", minimum: 0.5, exclusiveMaximum: 12 }, ["1", "11"], ["0", "12", "-1", "01"]],
    [
      { type: ["integer", "null"], minimum: -9_007_199_254_740_991, maximum: 9_007_199_254_740_991 },
      ["0", "-123456789012345", "null"],
      ["1234567890123456"],
    ],
    [{ type: "number" }, ["0.5", "-1e10", "12"], [".5", "1.", "1e", "NaN"]],
    [{ type: ["boolean", "null"] }, ["true", "null"], ["True", "nul", '"null"']],
    [{ enum: ["a", 1, { b: [2] }] }, ['"a"', "1", '{"b":[2]}'], ["a", "2", '{"b": [2]}']],
    [{ const: null }, ["null"], ["0"]],
    [
      { type: "string", minLength: 1, maxLength: 3 },
      ['"a"', '"\\u00e9é😀"', '"\\n"'],
      ['""', '"abcd"', '"\n"', '"\uFFFD"'],
    ],
    [{ type: "string", format: "date-time" }, ['"2024-02-29T23:59:59Z"'], ['"2024-13-01T00:00:00Z"', '"today"']],
    [{ format: "uuid" }, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123"']],
    [
      { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 2 },
      ["[1]", "[1, 2]"],
      ["[]", "[1,2,3]", "[1,]"],
    ],
    [{ type: "array", maxItems: 0 }, ["[]"], ["[1]"]],
    [
      { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["b"] },
      ['{"a":1,"b":2}', '{"b": 2}', '{\n  "a": 1,\n  "b": 2\n}'],
      ["{}", '{"a":1}', '{"b":2,"a":1}', '{"b":2,"c":3}', '{"b":2'],
    ],
    [{ type: "object", properties: {} }, ["{}"], ['{"a":1}']],
    [{ type: "object", additionalProperties: { type: "integer" } }, ["{}", '{"x":1,"y":2}'], ['{"x":"y"}']],
    [{ type: "object", required: ["z"] }, ['{"z":[1,{"q":null}]}'], ["{}"]],
    [
      {
        $ref: "#/$defs/tree",
        $defs: { tree: { properties: { in: { type: "array", items: { $ref: "#/$defs/tree" } } } } },
      },
      ["{}", '{"in":[{},{"in":[]}]}'],
      ['{"in":{}}'],
    ],
    [{ anyOf: [{ type: "integer" }, { type: "string" }] }, ["1", '"1"'], ["[1]"]],
    [true, ["1", '{"a":[]}'], ["", "tru"]],
  ])("%j", (value, right, wrong) => {
    checkSchema(value, "schema");
    for (const text of right) {
      expect(accepts(schema(value), text), text).toBe(true);
    }
    for (const text of wrong) {
      expect(accepts(schema(value), text), text).toBe(false);
    }
  });

  test("whose members may all be left out can have each of them", () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`p${index}`, { type: "null" }]));
    const wide: JsonSchema = { type: "object", properties };
    checkSchema(wide, "schema");
    for (const text of ["{}", '{"p0":null}', '{"p3":null,"p499":null}']) {
      expect(accepts(schema(wide), text)).toBe(true);
    }
  });

  const leaf = fc.constantFrom<JsonSchema>(
    { type: "integer" },
    { type: "number" },
    { type: "boolean" },
    { type: "null" },
    { type: "string", maxLength: 4 },
    { enum: ["red", 2, null] },
    { type: "string", format: "date" },
  );
  const schemas = fc.letrec<{ value: JsonSchema }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf,
      tie("value").map((items): JsonSchema => ({ type: "array", items, maxItems: 2 })),
      fc
        .tuple(tie("value"), tie("value"), fc.subarray(["a", "b"]))
        .map(([a, b, required]): JsonSchema => ({ type: "object", properties: { a, b }, required })),
      fc.tuple(tie("value"), tie("value")).map(([a, b]): JsonSchema => ({ anyOf: [a, b] })),
    ),
  })).value;

  test("of any kind leads to JSON that is as it says, and never into a place without an exit", () => {
    let ended = 0;
    fc.assert(
      fc.property(schemas, fc.infiniteStream(fc.nat()), (value, stream) => {
        checkSchema(value, "schema");
        const picks = stream[Symbol.iterator]();
        const text = write(createConstraintMachine(schema(value)), (count) => (picks.next().value ?? 0) % count, 300);
        if (text !== null) {
          expect(conforms(JSON.parse(text), value), text).toBe(true);
          ended += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(ended).toBeGreaterThan(100);
  });
});

/** A second opinion on the keywords that the random schemas have. */
function conforms(value: unknown, of: JsonValue): boolean {
  if (typeof of !== "object" || of === null || Array.isArray(of)) {
    return true;
  }
  const found = new Map(Object.entries(of));
  const options = found.get("anyOf");
  if (Array.isArray(options)) {
    return options.some((option) => conforms(value, option));
  }
  const listed = found.get("enum");
  if (Array.isArray(listed)) {
    return listed.includes(value);
  }
  switch (found.get("type")) {
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "string":
      return typeof value === "string" && [...value].length <= Number(found.get("maxLength") ?? 100);
    case "null":
      return value === null;
    case "boolean":
      return typeof value === "boolean";
    case "array":
      return (
        Array.isArray(value) && value.length <= 2 && value.every((item) => conforms(item, found.get("items") ?? true))
      );
    default: {
      const properties = new Map(Object.entries(found.get("properties") ?? {}));
      const required = found.get("required");
      return (
        typeof value === "object" &&
        value !== null &&
        Object.entries(value).every(
          ([name, inner]) => properties.has(name) && conforms(inner, properties.get(name) ?? true),
        ) &&
        (!Array.isArray(required) || required.every((name) => Object.hasOwn(value, String(name))))
      );
    }
  }
}

describe("tools", () => {
  const tools = [
    {
      name: "f",
      description: "",
      parameters: { type: "object", properties: { x: { type: "integer" } }, required: ["x"] },
    },
    { name: "g", description: "", parameters: { minimum: 3 }, loose: true },
  ] as const;
  const call = '<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>';
  const other = '<tool_call>\n{"name": "g", "arguments": {"any": [1]}}\n</tool_call>';
  const auto: Constraint = { kind: "tools", tools, mode: "auto", parallel: true, otherwise: null };
  const required: Constraint = { ...auto, mode: "required" };

  test("are called in the agreed form, in text only where the model may choose", () => {
    expect(accepts(required, call)).toBe(true);
    expect(accepts(required, `${call}\n${other}`)).toBe(true);
    expect(accepts(required, `Hello ${call}`)).toBe(false);
    expect(accepts(required, "")).toBe(false);
    expect(accepts(required, '<tool_call>{"name": "f", "arguments": {"x": "1"}}</tool_call>')).toBe(false);
    expect(accepts(required, '<tool_call>{"name": "h", "arguments": {}}</tool_call>')).toBe(false);
    expect(accepts({ ...required, parallel: false }, `${call}${call}`)).toBe(false);
    expect(accepts(auto, "1 < 2 <tool")).toBe(true);
    expect(accepts(auto, `Hello <<tool_call>${call.slice("<tool_call>".length)}`)).toBe(true);
    expect(accepts(auto, `Hello ${call} and on`)).toBe(false);
    expect(accepts(auto, "<tool_call>free")).toBe(false);
    const either: Constraint = { ...auto, otherwise: { kind: "json" } };
    expect(accepts(either, '{"a": 1}')).toBe(true);
    expect(accepts(either, call)).toBe(true);
    expect(accepts(either, "text")).toBe(false);
  });

  test("are what the reader makes of every text that is allowed", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (stream) => {
        const picks = stream[Symbol.iterator]();
        const text = write(createConstraintMachine(required), (count) => (picks.next().value ?? 0) % count, 400);
        if (text === null) {
          return;
        }
        const reader = createToolCallReader();
        const pieces = [...reader.push(text), ...reader.flush()];
        expect(pieces.some(({ kind }) => kind === "text")).toBe(false);
        const starts = pieces.filter(({ kind }) => kind === "callStart").length;
        expect(starts).toBeGreaterThan(0);
        expect(pieces.filter(({ kind }) => kind === "callEnd")).toHaveLength(starts);
        for (let index = 0; index < starts; index++) {
          const argued = pieces.flatMap((piece) =>
            piece.kind === "arguments" && piece.index === index ? [piece.text] : [],
          );
          JSON.parse(argued.join(""));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("with more readings than can be followed stay within bounds", () => {
    const same = { type: "array", items: { $ref: "#" } };
    const wide: JsonSchema = { anyOf: [same, { ...same }, { ...same }] };
    checkSchema(wide, "schema");
    const machine = createConstraintMachine(schema(wide));
    const open = machine.next(machine.start, "[".repeat(100));
    expect(open !== undefined && "places" in open ? open.places.length : 0).toBeLessThanOrEqual(512);
    expect(accepts(schema(wide), `${"[".repeat(5)}${"]".repeat(5)}`)).toBe(true);
  });
});

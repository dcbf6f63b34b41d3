import { DepinferError } from "./errors.ts";

/*
 * The part of JSON Schema that answers can be held to. It is checked before anybody is asked: a keyword that would not be
 * enforced is refused by name, since an answer that merely looks as if it followed its schema is worse than none.
 */

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };
/** A schema as the app wrote it: an object, or `true` for anything. */
export type JsonSchema = true | { readonly [keyword: string]: JsonValue };

/** Say something to people, and nothing about the answer. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$comment",
  "title",
  "description",
  "default",
  "example",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "strict",
]);
const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type JsonType = (typeof TYPES)[number];
/** Texts whose form is enforced. */
export const STRING_FORMATS = ["date", "time", "date-time", "uuid"] as const;
export type StringFormat = (typeof STRING_FORMATS)[number];

const MOST_SCHEMAS = 2_000;
const MOST_DEPTH = 32;
/** Members that one place of an answer may have to choose from. */
const MOST_PROPERTIES = 500;
/** Larger counts would have to be counted out, and no answer of this length is meant. */
const MOST_COUNT = 100_000;

/**
 * A parsed value as JSON of bounded depth, or undefined when it is nested too deep.
 */
export function toJsonValue(value: unknown, depth = 0): JsonValue | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "number") {
    return value;
  }
  if (typeof value !== "object" || depth > 2 * MOST_DEPTH) {
    return undefined;
  }
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => toJsonValue(item, depth + 1));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const entries: [string, JsonValue][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const converted = toJsonValue(inner, depth + 1);
    if (converted === undefined) {
      return undefined;
    }
    entries.push([name, converted]);
  }
  return Object.fromEntries(entries);
}

export function isJsonObject(value: JsonValue | undefined): value is { readonly [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !isJsonArray(value);
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The types that a schema allows; all where it names none. */
export function typesOf(type: JsonValue | undefined): readonly JsonType[] {
  if (type === undefined) {
    return TYPES.filter((known) => known !== "integer");
  }
  const named = isJsonArray(type) ? type : [type];
  return TYPES.filter((known) => named.includes(known));
}

/**
 * The schema behind `#`, `#/$defs/NAME` or `#/definitions/NAME`, or undefined.
 */
export function resolveReference(root: JsonSchema, reference: JsonValue | undefined): JsonValue | undefined {
  if (reference === "#") {
    return root;
  }
  const match = typeof reference === "string" ? /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) : null;
  const table = match?.[1] === undefined || root === true ? undefined : root[match[1]];
  const name = (match?.[2] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
  return isJsonObject(table) && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Integers of more digits are not written: they would not be exact in every reader. */
export const MOST_INTEGER = 999_999_999_999_999;
const BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;

/** The least and the most integer that a schema allows. Where `least` is above `most` there is none. */
export function integerBounds(schema: { readonly [keyword: string]: JsonValue }): {
  readonly least: number;
  readonly most: number;
} {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  return {
    least: Math.max(
      -MOST_INTEGER,
      typeof minimum === "number" ? Math.ceil(minimum) : -MOST_INTEGER,
      typeof above === "number" ? Math.floor(above) + 1 : -MOST_INTEGER,
    ),
    most: Math.min(
      MOST_INTEGER,
      typeof maximum === "number" ? Math.floor(maximum) : MOST_INTEGER,
      typeof below === "number" ? Math.ceil(below) - 1 : MOST_INTEGER,
    ),
  };
}

/**
 * Refuses what would not be enforced.
 *
 * @param param where the schema stands in the request, for the error.
 * @throws DepinferError `request.invalid` naming the keyword and where it stands.
 */
export function checkSchema(schema: JsonSchema, param: string): void {
  let schemas = 0;

  function refuse(where: string, why: string): never {
    throw new DepinferError({
      code: "request.invalid",
      message: `${where} ${why}`,
      remedy: "Leave it out, or check it in the app: answers are only held to what can be enforced token by token",
      metadata: { param: where },
    });
  }

  function visit(value: JsonValue | undefined, where: string, depth: number, direct: readonly JsonValue[]): void {
    schemas += 1;
    if (schemas > MOST_SCHEMAS || depth > MOST_DEPTH) {
      refuse(param, `has more than ${MOST_SCHEMAS} parts or is nested deeper than ${MOST_DEPTH}`);
    }
    if (value === true) {
      return;
    }
    if (!isJsonObject(value)) {
      refuse(where, "is no schema: an object or true is");
    }
    for (const keyword of Object.keys(value)) {
      const check = keywords.get(keyword);
      if (check !== undefined) {
        check(value[keyword], `${where}.${keyword}`, depth, [...direct, value]);
      } else if (!ANNOTATIONS.has(keyword)) {
        refuse(`${where}.${keyword}`, "is a keyword that cannot be enforced");
      }
    }
    checkTogether(value, where, refuse);
  }

  type Check = (value: JsonValue | undefined, where: string, depth: number, direct: readonly JsonValue[]) => void;
  const table: Check = (value, where, depth) => {
    if (!isJsonObject(value)) {
      refuse(where, "is no object of schemas");
    }
    for (const [name, inner] of Object.entries(value)) {
      visit(inner, `${where}.${name}`, depth + 1, []);
    }
  };
  /** These say what the value itself is, so a cycle through them would never come to a value. */
  const options: Check = (value, where, depth, direct) => {
    if (!isJsonArray(value) || value.length === 0) {
      refuse(where, "is no list of schemas");
    }
    for (const [index, inner] of value.entries()) {
      visit(inner, `${where}.${index}`, depth + 1, direct);
    }
  };
  const count: Check = (value, where) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MOST_COUNT) {
      refuse(where, `is no count from 0 to ${MOST_COUNT}`);
    }
  };
  const bound: Check = (value, where) => {
    if (typeof value !== "number") {
      refuse(where, "is no number");
    }
  };
  const checks: Readonly<Record<string, Check>> = {
    type(value, where) {
      const named = isJsonArray(value) ? value : [value];
      if (named.length === 0 || named.some((each) => !TYPES.some((known) => known === each))) {
        refuse(where, `is ${JSON.stringify(value)}; known are ${TYPES.join(", ")}`);
      }
    },
    properties(value, where, depth, direct) {
      if (isJsonObject(value) && Object.keys(value).length > MOST_PROPERTIES) {
        refuse(where, `has more than ${MOST_PROPERTIES} members`);
      }
      table(value, where, depth, direct);
    },
    $defs: table,
    definitions: table,
    required(value, where) {
      if (!isJsonArray(value) || value.some((name) => typeof name !== "string")) {
        refuse(where, "is no list of names");
      }
    },
    additionalProperties(value, where, depth) {
      if (typeof value !== "boolean") {
        visit(value, where, depth + 1, []);
      }
    },
    items: (value, where, depth) => visit(value, where, depth + 1, []),
    minItems: count,
    maxItems: count,
    minLength: count,
    maxLength: count,
    minimum: bound,
    maximum: bound,
    exclusiveMinimum: bound,
    exclusiveMaximum: bound,
    enum(value, where) {
      if (!isJsonArray(value) || value.length === 0) {
        refuse(where, "is no list of values");
      }
    },
    const: () => undefined,
    anyOf: options,
    oneOf: options,
    allOf(value, where, depth, direct) {
      if (!isJsonArray(value) || value.length !== 1) {
        refuse(where, "can be enforced with one schema only");
      }
      options(value, where, depth, direct);
    },
    format(value, where) {
      if (!STRING_FORMATS.some((known) => known === value)) {
        refuse(where, `is ${JSON.stringify(value)}; known are ${STRING_FORMATS.join(", ")}`);
      }
    },
    $ref(value, where, depth, direct) {
      const found = resolveReference(schema, value);
      if (found === undefined) {
        refuse(where, `is ${JSON.stringify(value)}; #, #/$defs/NAME and #/definitions/NAME are known`);
      }
      if (direct.includes(found)) {
        refuse(where, "leads back to itself without a value in between");
      }
      // What it leads to is visited where it stands; here only the way back to itself matters.
      if (isJsonObject(found)) {
        followDirect(found, where, depth + 1, [...direct, found]);
      }
    },
  };
  const keywords = new Map(Object.entries(checks));

  /** Looks for references that come back without a value in between. */
  function followDirect(value: JsonValue, where: string, depth: number, direct: readonly JsonValue[]): void {
    if (!isJsonObject(value)) {
      return;
    }
    const next = [
      value.$ref,
      ...[value.anyOf, value.oneOf, value.allOf].flatMap((list) => (isJsonArray(list) ? list : [])),
    ];
    if (depth > MOST_DEPTH) {
      refuse(where, "refers on and on");
    }
    for (const each of next) {
      const target = typeof each === "string" ? resolveReference(schema, each) : each;
      if (target !== undefined && isJsonObject(target)) {
        if (direct.includes(target)) {
          refuse(where, "leads back to itself without a value in between");
        }
        schemas += 1;
        if (schemas > MOST_SCHEMAS) {
          refuse(param, `has more than ${MOST_SCHEMAS} parts`);
        }
        followDirect(target, where, depth + 1, [...direct, target]);
      }
    }
  }

  visit(schema, param, 0, []);
}

const CHOOSERS = ["anyOf", "oneOf", "allOf", "$ref", "enum", "const"] as const;
const SHAPERS = [
  "properties",
  "required",
  "items",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "format",
  ...BOUNDS,
] as const;

/** Keywords that choose a value leave no room for others that would restrict it further. */
function checkTogether(
  value: { readonly [keyword: string]: JsonValue },
  where: string,
  refuse: (where: string, why: string) => never,
): void {
  const choosers = CHOOSERS.filter((keyword) => value[keyword] !== undefined);
  const beside = SHAPERS.find((keyword) => value[keyword] !== undefined);
  if (choosers.length > 1) {
    refuse(`${where}.${choosers[1]}`, `cannot be enforced beside ${choosers[0]}`);
  }
  if (choosers.length === 1 && beside !== undefined) {
    refuse(`${where}.${beside}`, `cannot be enforced beside ${choosers[0]}`);
  }
  if (value.format !== undefined && (value.minLength !== undefined || value.maxLength !== undefined)) {
    refuse(`${where}.minLength`, "cannot be enforced beside format");
  }
  const bound = BOUNDS.find((keyword) => value[keyword] !== undefined);
  if (bound !== undefined && (value.type === undefined || typesOf(value.type).includes("number"))) {
    refuse(`${where}.${bound}`, "can be enforced for integers only");
  }
  const { least, most } = integerBounds(value);
  if (bound !== undefined && least > most) {
    refuse(`${where}.${bound}`, "leaves no integer of at most 15 digits");
  }
  for (const [least, most] of [
    ["minItems", "maxItems"],
    ["minLength", "maxLength"],
  ] as const) {
    if (Number(value[least] ?? 0) > Number(value[most] ?? MOST_COUNT)) {
      refuse(`${where}.${least}`, `is above ${most}`);
    }
  }
}

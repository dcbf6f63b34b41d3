import {
  integerBounds,
  isJsonArray,
  isJsonObject,
  type JsonSchema,
  type JsonType,
  type JsonValue,
  MOST_INTEGER,
  resolveReference,
  typesOf,
} from "@depinfer/protocol";
import { choice, type Grammar, oneOf, repeat, sequence, text } from "./grammar.ts";
import { integersBetween } from "./integer-grammar.ts";

/*
 * JSON as an answer may write it. Members of objects come in the order in which the schema names them, those that are not
 * required may be left out. White space is what people and models write between members, and bounded: an answer must not
 * consist of it. Numbers are bounded as well, so that they end.
 */

const ENDLESS = Number.POSITIVE_INFINITY;
const nothing = text("");
const digit = oneOf("09");
const hexDigit = oneOf("09", "af", "AF");
const MOST_INDENT = 16;
const space = choice(nothing, text(" "), sequence(text("\n"), repeat(oneOf(" ", "\t"), 0, MOST_INDENT)));

/** Half a character (U+FFFD in a token's text) is no character of a string. */
const plainCharacter: Grammar = {
  kind: "class",
  allows: (code) => code >= 0x20 && code !== 0x22 && code !== 0x5c && code !== 0x7f && code !== 0xfffd,
};
const character = choice(
  plainCharacter,
  sequence(
    text("\\"),
    choice(oneOf('"', "\\", "/", "b", "f", "n", "r", "t"), sequence(text("u"), repeat(hexDigit, 4, 4))),
  ),
);
const quote = text('"');

function stringOf(least: number, most: number): Grammar {
  return sequence(quote, repeat(character, least, most), quote);
}

const anyString = stringOf(0, ENDLESS);
const MOST_DIGITS = 15;
const integer = sequence(
  choice(nothing, text("-")),
  choice(text("0"), sequence(oneOf("19"), repeat(digit, 0, MOST_DIGITS - 1))),
);
const number = sequence(
  integer,
  choice(nothing, sequence(text("."), repeat(digit, 1, MOST_DIGITS))),
  choice(nothing, sequence(oneOf("e", "E"), choice(nothing, oneOf("+", "-")), repeat(digit, 1, 2))),
);

const date = sequence(
  repeat(digit, 4, 4),
  text("-"),
  choice(sequence(text("0"), oneOf("19")), sequence(text("1"), oneOf("02"))),
  text("-"),
  choice(sequence(text("0"), oneOf("19")), sequence(oneOf("12"), digit), sequence(text("3"), oneOf("01"))),
);
const sixty = sequence(oneOf("05"), digit);
const hour = choice(sequence(oneOf("01"), digit), sequence(text("2"), oneOf("03")));
const time = sequence(
  hour,
  text(":"),
  sixty,
  text(":"),
  sixty,
  choice(nothing, sequence(text("."), repeat(digit, 1, 6))),
  choice(text("Z"), sequence(oneOf("+", "-"), hour, text(":"), sixty)),
);
const hexDigits = (count: number) => repeat(hexDigit, count, count);
const FORMATS = new Map<JsonValue, Grammar>([
  ["date", date],
  ["time", time],
  ["date-time", sequence(date, text("T"), time)],
  [
    "uuid",
    sequence(hexDigits(8), ...[4, 4, 4].flatMap((count) => [text("-"), hexDigits(count)]), text("-"), hexDigits(12)),
  ],
]);

const anyValue: Grammar = {
  kind: "lazy",
  get: () => anything,
};

function objectOf(value: Grammar): Grammar {
  const member = sequence(anyString, text(":"), space, value);
  const more = repeat(sequence(text(","), space, member), 0, ENDLESS);
  return sequence(text("{"), space, choice(text("}"), sequence(member, more, space, text("}"))));
}

function arrayOf(item: Grammar, least: number, most: number): Grammar {
  const empty = least === 0 ? [text("]")] : [];
  const more = repeat(sequence(text(","), space, item), Math.max(0, least - 1), most - 1);
  const some = most === 0 ? [] : [sequence(item, more, space, text("]"))];
  return sequence(text("["), space, choice(...empty, ...some));
}

/** Any JSON object. */
export const anyObject = objectOf(anyValue);
const anything = choice(
  anyObject,
  arrayOf(anyValue, 0, ENDLESS),
  anyString,
  number,
  text("true"),
  text("false"),
  text("null"),
);

/** A member of the grammars of calls, which are objects as well. */
export { space };

/** The values that a schema describes. `checkSchema` has accepted it. */
export function schemaGrammar(root: JsonSchema): Grammar {
  const known = new Map<JsonValue, Grammar>();

  /** By reference, so that a schema may contain itself. */
  function grammarAt(schema: JsonValue | undefined): Grammar {
    if (!isJsonObject(schema)) {
      return anyValue;
    }
    return { kind: "lazy", get: () => built(schema) };
  }

  function built(schema: { readonly [keyword: string]: JsonValue }): Grammar {
    const found = known.get(schema) ?? build(schema);
    known.set(schema, found);
    return found;
  }

  function build(schema: { readonly [keyword: string]: JsonValue }): Grammar {
    if (schema.const !== undefined) {
      return text(JSON.stringify(schema.const));
    }
    if (isJsonArray(schema.enum)) {
      return choice(...schema.enum.map((value) => text(JSON.stringify(value))));
    }
    if (schema.$ref !== undefined) {
      return grammarAt(resolveReference(root, schema.$ref));
    }
    const options = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (isJsonArray(options)) {
      return choice(...options.map(grammarAt));
    }
    return choice(...typesOf(schema.type ?? impliedType(schema)).map((type) => typeGrammar(type, schema)));
  }

  function typeGrammar(type: JsonType, schema: { readonly [keyword: string]: JsonValue }): Grammar {
    switch (type) {
      case "object":
        return objectGrammar(schema);
      case "array":
        return arrayOf(grammarAt(schema.items), Number(schema.minItems ?? 0), Number(schema.maxItems ?? ENDLESS));
      case "string": {
        const format = FORMATS.get(schema.format ?? null);
        return format === undefined
          ? stringOf(Number(schema.minLength ?? 0), Number(schema.maxLength ?? ENDLESS))
          : sequence(quote, format, quote);
      }
      case "number":
        return number;
      case "integer": {
        const { least, most } = integerBounds(schema);
        return least === -MOST_INTEGER && most === MOST_INTEGER ? integer : integersBetween(least, most);
      }
      case "boolean":
        return choice(text("true"), text("false"));
      case "null":
        return text("null");
    }
  }

  function objectGrammar({
    properties,
    required,
    additionalProperties,
  }: {
    readonly [keyword: string]: JsonValue;
  }): Grammar {
    const named = isJsonObject(properties) ? Object.entries(properties) : [];
    const needed = isJsonArray(required) ? required.filter((name) => typeof name === "string") : [];
    const unnamed = needed.filter((name) => !named.some(([known]) => known === name));
    const members: readonly (readonly [string, JsonValue])[] = [
      ...named,
      ...unnamed.map((name) => [name, true] as const),
    ];
    if (members.length === 0 && properties === undefined && additionalProperties !== false) {
      return objectOf(grammarAt(additionalProperties === true ? undefined : additionalProperties));
    }
    // From the last member to the first: what may follow a member, and the members of which the next may be one.
    let after = sequence(space, text("}"));
    let next: readonly Grammar[] = [];
    let mayEnd = true;
    for (const [name, value] of members.toReversed()) {
      const member = sequence(text(`${JSON.stringify(name)}:`), space, grammarAt(value), after);
      const optional = !needed.includes(name);
      next = [member, ...(optional ? next : [])];
      mayEnd &&= optional;
      const more = sequence(text(","), space, choice(...next));
      after = mayEnd ? choice(sequence(space, text("}")), more) : more;
    }
    return sequence(text("{"), space, choice(...(mayEnd ? [text("}")] : []), ...next));
  }

  return grammarAt(root);
}

/** A schema that names no type means the type that its keywords are about. */
function impliedType(schema: { readonly [keyword: string]: JsonValue }): JsonType | undefined {
  const has = (...keywords: readonly string[]) => keywords.some((keyword) => schema[keyword] !== undefined);
  if (has("properties", "required", "additionalProperties")) {
    return "object";
  }
  if (has("items", "minItems", "maxItems")) {
    return "array";
  }
  return has("minLength", "maxLength", "format") ? "string" : undefined;
}

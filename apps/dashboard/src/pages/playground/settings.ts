import { MINIMUM_LEVELS, type RequestPolicy, requestPolicySchema } from "@depinfer/protocol";
import { z } from "zod";
import { parseUsd } from "../../format/money.ts";

/** What is set beside the prompt, as texts: fields may be empty or wrong while they are typed into. */
export const settingsSchema = z.object({
  model: z.string(),
  system: z.string(),
  temperature: z.string(),
  topP: z.string(),
  maxTokens: z.string(),
  seed: z.string(),
  presencePenalty: z.string(),
  frequencyPenalty: z.string(),
  /** One a line. */
  stop: z.string(),
  /** `tools` leaves it to the model whether it calls one, `calls` demands it. */
  format: z.enum(["text", "json", "schema", "tools", "calls"]),
  schema: z.string(),
  tools: z.string(),
  /** Dollars per million output tokens. */
  maxPrice: z.string(),
  region: z.string(),
  minProof: z.enum(["", ...MINIMUM_LEVELS]),
  privacy: z.enum(["any", "attested"]),
  hedge: z.boolean(),
});
export type Settings = z.output<typeof settingsSchema>;

const SCHEMA_EXAMPLE = `{
  "type": "object",
  "properties": {
    "title": { "type": "string", "maxLength": 60 },
    "pages": { "type": "integer", "maximum": 2000 }
  },
  "required": ["title", "pages"],
  "additionalProperties": false
}`;

const TOOLS_EXAMPLE = `[
  {
    "type": "function",
    "function": {
      "name": "get_weather",
      "description": "Tells the weather of a city",
      "parameters": {
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"]
      }
    }
  }
]`;

export const DEFAULTS: Settings = {
  model: "",
  system: "",
  temperature: "0.7",
  topP: "1",
  maxTokens: "256",
  seed: "",
  presencePenalty: "0",
  frequencyPenalty: "0",
  stop: "",
  format: "text",
  schema: SCHEMA_EXAMPLE,
  tools: TOOLS_EXAMPLE,
  maxPrice: "",
  region: "",
  minProof: "",
  privacy: "any",
  hedge: false,
};

/** What is wrong with a setting, by its name. */
export type Faults = Partial<Record<keyof Settings, string>>;

interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

const RANGES = {
  temperature: { least: 0, most: 2 },
  topP: { least: 0.01, most: 1 },
  maxTokens: { least: 1, most: 1_000_000, whole: true },
  presencePenalty: { least: -2, most: 2 },
  frequencyPenalty: { least: -2, most: 2 },
} as const satisfies Partial<Record<keyof Settings, Range>>;

function rangeFault(text: string, { least, most, whole }: Range): string | null {
  const value = Number(text);
  return text.trim() === "" || !(value >= least && value <= most) || (whole === true && !Number.isInteger(value))
    ? `Give a ${whole === true ? "whole " : ""}number from ${least} to ${most}`
    : null;
}

/** A part of a request body for each format. @throws SyntaxError for a schema or tools that are no JSON. */
function formatOf({ format, schema, tools }: Settings): Readonly<Record<string, unknown>> {
  switch (format) {
    case "json":
      return { response_format: { type: "json_object" } };
    case "schema":
      return {
        response_format: {
          type: "json_schema",
          json_schema: { name: "answer", strict: true, schema: JSON.parse(schema) },
        },
      };
    case "tools":
      return { tools: JSON.parse(tools) };
    case "calls":
      return { tools: JSON.parse(tools), tool_choice: "required" };
    default:
      return {};
  }
}

const schemaFormat = z.object({ json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }) });

/** Everything that is wrong; empty when a request can be made of it. */
export function faultsOf(settings: Settings): Faults {
  const faults: Faults = {};
  for (const name of ["temperature", "topP", "maxTokens", "presencePenalty", "frequencyPenalty"] as const) {
    const fault = rangeFault(settings[name], RANGES[name]);
    if (fault !== null) {
      faults[name] = fault;
    }
  }
  if (settings.seed !== "" && !/^-?\d{1,15}$/.test(settings.seed)) {
    faults.seed = "Give a whole number, or nothing for chance";
  }
  if (settings.maxPrice !== "" && parseUsd(settings.maxPrice) === null) {
    faults.maxPrice = "Give dollars, like 0.25";
  }
  try {
    const { tools, response_format: format } = z
      .object({ tools: z.unknown(), response_format: z.unknown() })
      .partial()
      .parse(formatOf(settings));
    if (settings.format === "tools" && (!Array.isArray(tools) || tools.length === 0)) {
      faults.tools = "Give a list of tools, [{…}]";
    }
    if (settings.format === "schema" && !schemaFormat.safeParse(format).success) {
      faults.schema = "Give a schema, {…}";
    }
  } catch (error) {
    faults[settings.format === "schema" ? "schema" : "tools"] =
      `Not JSON: ${String(error instanceof Error ? error.message : error)}`;
  }
  return faults;
}

/** What is demanded of whoever answers; the fields that are set only. */
export function policyOf({ maxPrice, region, minProof, privacy, hedge }: Settings): RequestPolicy {
  const price = parseUsd(maxPrice);
  return requestPolicySchema.parse({
    ...(price === null ? {} : { maxOutputPrice: price.toString() }),
    ...(region === "" ? {} : { regions: [region] }),
    ...(minProof === "" ? {} : { minProof }),
    ...(privacy === "any" ? {} : { privacy }),
    ...(hedge ? { hedge } : {}),
  });
}

/** A message as the API takes it. */
export type ApiMessage = Readonly<Record<string, unknown>>;

/** The body of a request, without what is at its default. @throws SyntaxError where `faultsOf` names a fault. */
export function bodyOf(settings: Settings, messages: readonly ApiMessage[]): Readonly<Record<string, unknown>> {
  const number = (name: "temperature" | "topP" | "presencePenalty" | "frequencyPenalty", field: string) =>
    settings[name] === DEFAULTS[name] && name !== "temperature" ? {} : { [field]: Number(settings[name]) };
  const stops = settings.stop.split("\n").filter((line) => line !== "");
  const { maxOutputPrice, ...policy } = policyOf(settings);
  const format = formatOf(settings);
  // What came of a call is to be told in words.
  const answersCall = settings.format === "calls" && messages.at(-1)?.role === "tool";
  const demands = { ...policy, ...(maxOutputPrice === undefined ? {} : { maxOutputPrice: maxOutputPrice.toString() }) };
  return {
    model: settings.model,
    messages: [...(settings.system === "" ? [] : [{ role: "system", content: settings.system }]), ...messages],
    ...number("temperature", "temperature"),
    ...number("topP", "top_p"),
    max_tokens: Number(settings.maxTokens),
    ...(settings.seed === "" ? {} : { seed: Number(settings.seed) }),
    ...number("presencePenalty", "presence_penalty"),
    ...number("frequencyPenalty", "frequency_penalty"),
    ...(stops.length === 0 ? {} : { stop: stops }),
    ...(answersCall ? { ...format, tool_choice: "auto" } : format),
    ...(Object.keys(demands).length === 0 ? {} : { depinfer: demands }),
  };
}

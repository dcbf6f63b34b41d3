import { z } from "zod";
import type { ChatMessage, Constraint, ImagePart, Tool } from "./generation.ts";
import { checkSchema, isJsonObject, type JsonSchema, toJsonValue, typesOf } from "./json-schema.ts";

/* Messages, tools and response formats as OpenAI's chat API writes them. */

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({
    url: z.string().regex(/^(https?:\/\/|data:image\/)/, "expected an http(s) or data:image URL"),
    detail: z.enum(["auto", "low", "high"]).optional(),
  }),
});
const textContent = z
  .union([z.string(), z.array(textPart).min(1)])
  .transform((value) => (typeof value === "string" ? value : value.map((part) => part.text).join("")));
const userContent = z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart])).min(1)]);

const name = z.string().max(64).optional();
const toolName = z.string().regex(/^[a-zA-Z0-9_.-]{1,64}$/, "expected 1 to 64 of a-z, A-Z, 0-9, _, . and -");
const nothing = z.null().optional();

const toolCall = z.strictObject({
  id: z.string().min(1).max(200),
  type: z.literal("function"),
  function: z.strictObject({ name: toolName, arguments: z.string() }),
});

export const messageSchema = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["system", "developer"]), content: textContent, name }),
  z.strictObject({ role: z.literal("user"), content: userContent, name }),
  z.strictObject({
    role: z.literal("assistant"),
    content: textContent.nullish(),
    name,
    tool_calls: z.array(toolCall).max(128).nullish(),
    // Members of answers that clients send back as they came.
    refusal: nothing,
    audio: nothing,
    function_call: nothing,
    annotations: z.array(z.never()).optional(),
  }),
  z.strictObject({ role: z.literal("tool"), content: textContent, tool_call_id: z.string().min(1).max(200), name }),
]);

export function toMessage(message: z.output<typeof messageSchema>): ChatMessage {
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", content: message.content };
    case "tool":
      return { role: "tool", content: message.content, toolCallId: message.tool_call_id };
    case "assistant": {
      const calls = message.tool_calls ?? [];
      return {
        role: "assistant",
        content: message.content ?? "",
        ...(calls.length === 0
          ? {}
          : {
              toolCalls: calls.map(({ id, function: called }) => ({
                id,
                name: called.name,
                arguments: called.arguments,
              })),
            }),
      };
    }
    case "user": {
      if (typeof message.content === "string") {
        return { role: "user", content: message.content };
      }
      const text = message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
      const images = message.content.flatMap((part): ImagePart[] =>
        part.type === "image_url" ? [{ url: part.image_url.url, detail: part.image_url.detail ?? "auto" }] : [],
      );
      return { role: "user", content: text, ...(images.length === 0 ? {} : { images }) };
    }
  }
}

const schemaValue = z.unknown().transform((value, context): JsonSchema => {
  const converted = toJsonValue(value);
  if (converted === true || isJsonObject(converted)) {
    return converted;
  }
  context.addIssue({ code: "custom", message: "expected a JSON schema of moderate depth" });
  return z.NEVER;
});

const toolSchema = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: toolName,
    description: z.string().max(20_000).nullish(),
    parameters: schemaValue.nullish(),
    strict: z.boolean().nullish(),
  }),
});
const choiceSchema = z.union([
  z.enum(["none", "auto", "required"]),
  z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: toolName }) }),
]);

/** Parameters that decide about tools and about the form of the answer. */
export const formParameters = {
  tools: z.array(toolSchema).max(128).nullish(),
  tool_choice: choiceSchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("text") }),
      z.strictObject({ type: z.literal("json_object") }),
      z.strictObject({
        type: z.literal("json_schema"),
        json_schema: z.strictObject({
          name: z.string().min(1).max(64),
          description: z.string().nullish(),
          schema: schemaValue,
          strict: z.boolean().nullish(),
        }),
      }),
    ])
    .nullish(),
};
const formBody = z.object(formParameters);
type FormBody = z.output<typeof formBody>;

/** A parameter that contradicts another one, or holds what cannot be honoured. */
export type Refuse = (param: string, why: string) => never;

/**
 * What the answer has to follow.
 *
 * @throws DepinferError `request.invalid` for a schema that cannot be enforced; what `refuse` throws otherwise.
 */
export function constraintOf(body: FormBody, refuse: Refuse): Constraint | null {
  const otherwise = formatOf(body.response_format);
  const tools = (body.tools ?? []).map(({ function: offered }, index) =>
    toTool(offered, `tools.${index}.function.parameters`, refuse),
  );
  const choice = body.tool_choice ?? (tools.length > 0 ? "auto" : "none");
  const repeated = tools.find(({ name: own }, index) => tools.findIndex((other) => other.name === own) !== index);
  if (repeated !== undefined) {
    refuse("tools", `two tools are called ${repeated.name}`);
  }
  if (choice === "none") {
    return otherwise;
  }
  if (tools.length === 0) {
    refuse("tool_choice", "there are no tools to choose from");
  }
  const parallel = body.parallel_tool_calls ?? true;
  if (typeof choice === "string") {
    return { kind: "tools", tools, mode: choice, parallel, otherwise: choice === "auto" ? otherwise : null };
  }
  const named = tools.filter((tool) => tool.name === choice.function.name);
  if (named.length === 0) {
    refuse("tool_choice", `no tool is called ${choice.function.name}`);
  }
  return { kind: "tools", tools: named, mode: "required", parallel: false, otherwise: null };
}

function formatOf(format: FormBody["response_format"]): Constraint | null {
  switch (format?.type) {
    case "json_object":
      return { kind: "json" };
    case "json_schema": {
      const { schema } = format.json_schema;
      checkSchema(schema, "response_format.json_schema.schema");
      return { kind: "schema", schema };
    }
    case "text":
    case undefined:
      return null;
  }
}

const NO_PARAMETERS: JsonSchema = { type: "object", properties: {} };

function toTool(
  { name: own, description, parameters, strict }: z.output<typeof toolSchema>["function"],
  param: string,
  refuse: Refuse,
): Tool {
  const given = parameters ?? NO_PARAMETERS;
  const schema: JsonSchema = given === true ? { type: "object" } : { ...given, type: given.type ?? "object" };
  const isObject = typesOf(schema.type).join() === "object";
  if (strict === true) {
    checkSchema(schema, param);
    if (!isObject) {
      refuse(param, "arguments are an object");
    }
  }
  const loose = strict !== true && (!isObject || !isEnforceable(schema));
  return { name: own, description: description ?? "", parameters: given, ...(loose ? { loose } : {}) };
}

function isEnforceable(schema: JsonSchema): boolean {
  try {
    checkSchema(schema, "parameters");
    return true;
  } catch {
    return false;
  }
}

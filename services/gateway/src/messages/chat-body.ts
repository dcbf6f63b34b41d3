import type { Message, MessageRequest } from "./message-request.ts";

/** Turns a request into a body of the chat endpoint. */
export function chatBodyOf(request: MessageRequest): object {
  const { system, tools, tool_choice: choice, output_config: output, depinfer } = request;
  const format = output?.format;
  return {
    model: request.model,
    messages: [
      ...(system === undefined || system.length === 0 ? [] : [{ role: "system", content: textOf(system) }]),
      ...request.messages.flatMap(messagesOf),
    ],
    max_completion_tokens: request.max_tokens,
    ...present({
      stop: request.stop_sequences,
      temperature: request.temperature,
      top_p: request.top_p,
      user: request.metadata?.user_id,
      ...(request.stream === true ? { stream: true } : {}),
    }),
    ...(tools === undefined || tools.length === 0 ? {} : { tools: tools.map(toolOf) }),
    ...choiceOf(choice),
    ...(format == null
      ? {}
      : { response_format: { type: "json_schema", json_schema: { name: "output", schema: format.schema } } }),
    ...(depinfer === undefined ? {} : { depinfer: plainJson(depinfer) }),
  };
}

function toolOf({ name, description, input_schema, strict }: NonNullable<MessageRequest["tools"]>[number]): object {
  return { type: "function", function: { name, parameters: input_schema, ...present({ description, strict }) } };
}

function choiceOf(choice: MessageRequest["tool_choice"]): object {
  if (choice === undefined) {
    return {};
  }
  const alone = choice.type !== "none" && choice.disable_parallel_tool_use === true;
  const named = { any: "required", auto: "auto", none: "none" } as const;
  return {
    tool_choice: choice.type === "tool" ? { type: "function", function: { name: choice.name } } : named[choice.type],
    ...(alone ? { parallel_tool_calls: false } : {}),
  };
}

function messagesOf({ role, content }: Message): object[] {
  if (typeof content === "string") {
    return [{ role, content }];
  }
  if (role === "system") {
    return [{ role, content: textOf(content) }];
  }
  if (role === "assistant") {
    const calls = content.flatMap((part) =>
      part.type === "tool_use"
        ? [{ id: part.id, type: "function", function: { name: part.name, arguments: JSON.stringify(part.input) } }]
        : [],
    );
    const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
    return [{ role, content: text === "" ? null : text, ...(calls.length === 0 ? {} : { tool_calls: calls }) }];
  }
  // Results of tools come before what the user says to them.
  const results = content.flatMap((part) =>
    part.type === "tool_result" ? [{ role: "tool", tool_call_id: part.tool_use_id, content: resultOf(part) }] : [],
  );
  const parts = content.flatMap((part): object[] =>
    part.type === "tool_result"
      ? []
      : [
          part.type === "text"
            ? { type: "text", text: part.text }
            : { type: "image_url", image_url: { url: imageUrl(part.source) } },
        ],
  );
  return parts.length === 0 ? results : [...results, { role, content: parts }];
}

type ContentPart = Exclude<Extract<Message, { role: "user" }>["content"], string>[number];

function resultOf({ content, is_error }: Extract<ContentPart, { type: "tool_result" }>): string {
  const text = content === undefined ? "" : textOf(content);
  return is_error === true ? `Error: ${text}` : text;
}

function imageUrl(source: Extract<ContentPart, { type: "image" }>["source"]): string {
  return source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`;
}

function textOf(content: string | readonly { readonly text: string }[]): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("");
}

function present(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

/** Prices are bigints once they are checked, and text in JSON. */
function plainJson(policy: NonNullable<MessageRequest["depinfer"]>): object {
  return Object.fromEntries(
    Object.entries(policy).map(([field, value]) => [field, typeof value === "bigint" ? value.toString() : value]),
  );
}

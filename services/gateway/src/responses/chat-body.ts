import type { Item, ResponseRequest } from "./response-request.ts";

/** Turns a request into a body of the chat endpoint. @param context items of the responses before it, oldest first. */
export function chatBodyOf(request: ResponseRequest, context: readonly Item[]): object {
  const { text, include, depinfer } = request;
  const instructions = request.instructions == null ? [] : [{ role: "system", content: request.instructions }];
  const logprobs = include?.includes("message.output_text.logprobs") ?? false;
  return {
    model: request.model,
    messages: [...instructions, ...messagesOf([...context, ...inputItems(request)])],
    ...toolsOf(request),
    ...formatOf(text),
    ...present({
      max_completion_tokens: request.max_output_tokens,
      temperature: request.temperature,
      top_p: request.top_p,
      presence_penalty: request.presence_penalty,
      frequency_penalty: request.frequency_penalty,
      user: request.user,
    }),
    ...(logprobs ? { logprobs: true, top_logprobs: request.top_logprobs ?? 0 } : {}),
    ...(request.stream === true ? { stream: true } : {}),
    ...(depinfer === undefined ? {} : { depinfer: policyBody(depinfer) }),
  };
}

export function inputItems({ input }: Pick<ResponseRequest, "input">): readonly Item[] {
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : input;
}

/** Prices are bigints once they are checked, and text in JSON. */
function policyBody(policy: NonNullable<ResponseRequest["depinfer"]>): object {
  return Object.fromEntries(
    Object.entries(policy).map(([field, value]) => [field, typeof value === "bigint" ? value.toString() : value]),
  );
}

function present(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

/** Tools, of which a request may allow only some for this once. */
function toolsOf({ tools, tool_choice: choice, parallel_tool_calls: parallel }: ResponseRequest): object {
  const allowed = choice != null && typeof choice === "object" && choice.type === "allowed_tools" ? choice : null;
  const names = allowed?.tools.map(({ name }) => name);
  const given = (tools ?? []).filter(({ name }) => names === undefined || names.includes(name));
  return {
    ...(given.length === 0 ? {} : { tools: given.map(toolOf) }),
    ...present({ tool_choice: allowed === null ? choiceOf(choice) : allowed.mode, parallel_tool_calls: parallel }),
  };
}

function toolOf({ name, description, parameters, strict }: NonNullable<ResponseRequest["tools"]>[number]): object {
  return { type: "function", function: { name, ...present({ description, parameters, strict }) } };
}

function choiceOf(choice: ResponseRequest["tool_choice"]): unknown {
  return choice != null && typeof choice === "object" && choice.type === "function"
    ? { type: "function", function: { name: choice.name } }
    : choice;
}

function formatOf(text: ResponseRequest["text"]): object {
  const format = text?.format;
  if (format == null || format.type === "text") {
    return {};
  }
  if (format.type === "json_object") {
    return { response_format: { type: "json_object" } };
  }
  const { type, name, schema, description, strict } = format;
  return { response_format: { type, json_schema: { name, schema, ...present({ description, strict }) } } };
}

type ChatMessage =
  | { role: string; content: string | readonly object[] | null; tool_calls?: object[] }
  | { role: "tool"; tool_call_id: string; content: string };

/** Calls stand in the message of the assistant that made them. */
function messagesOf(items: readonly Item[]): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const item of items) {
    switch (item.type) {
      case "function_call": {
        const call = { id: item.call_id, type: "function", function: { name: item.name, arguments: item.arguments } };
        const last = messages.at(-1);
        if (last !== undefined && last.role === "assistant" && !("tool_call_id" in last)) {
          last.tool_calls = [...(last.tool_calls ?? []), call];
        } else {
          messages.push({ role: "assistant", content: null, tool_calls: [call] });
        }
        break;
      }
      case "function_call_output":
        messages.push({
          role: "tool",
          tool_call_id: item.call_id,
          content: typeof item.output === "string" ? item.output : item.output.map(({ text }) => text).join(""),
        });
        break;
      default:
        messages.push({ role: item.role, content: contentOf(item.content) });
    }
  }
  return messages;
}

function contentOf(content: Extract<Item, { role: string }>["content"]): string | object[] {
  if (typeof content === "string") {
    return content;
  }
  return content.map((part) => {
    switch (part.type) {
      case "input_image":
        return { type: "image_url", image_url: { url: part.image_url, detail: part.detail ?? "auto" } };
      case "refusal":
        return { type: "text", text: part.refusal };
      default:
        return { type: "text", text: part.text };
    }
  });
}

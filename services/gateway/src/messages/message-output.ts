import type { Answer } from "@depinfer/client";
import type { ParsedBody, Usage } from "@depinfer/protocol";
import { createAnswerReader, type Part } from "../chat/answer-reader.ts";
import { idOf } from "../chat/identity.ts";
import { eventStream } from "../event-stream.ts";
import { type Finished, type Output, type Taken, textHeaders } from "../output.ts";
import type { Reply } from "../reply.ts";
import { describeMessageError } from "./message-error.ts";

const event = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

type Block = ReturnType<typeof textBlock> | ReturnType<typeof toolUseBlock>;

const textBlock = (text: string) => ({ type: "text" as const, text, citations: null });
const toolUseBlock = (id: string, name: string, input: unknown) => ({
  type: "tool_use" as const,
  id,
  name,
  input,
  caller: { type: "direct" },
});

/** The answer of `/v1/messages`. */
export function messageOutput(parsed: ParsedBody, reply: Reply): Output {
  return parsed.stream ? streamed(parsed, reply) : buffered(parsed, reply);
}

function buffered(parsed: ParsedBody, reply: Reply): Output {
  let taken: Pick<Taken, "requestId"> | null = null;
  const reader = createAnswerReader(parsed, () => taken?.requestId ?? "0x");
  return {
    accept(_choice, accepted) {
      taken = accepted;
    },
    text(_choice, piece) {
      reader.push(piece);
      return undefined;
    },
    async finish([answer]) {
      if (answer === undefined) {
        return;
      }
      reader.flush();
      const { requestId, offer } = answer;
      const calls = reader.calls.map(({ id, name, arguments: text }) => toolUseBlock(id, name, inputOf(text)));
      const content: Block[] =
        reader.text.trim() === "" && calls.length > 0 ? calls : [textBlock(reader.text), ...calls];
      reply.begin({
        status: 200,
        headers: { ...textHeaders(requestId, offer, parsed), "content-type": "application/json" },
      });
      await reply.end(
        JSON.stringify({
          ...messageOf(answer, parsed, content),
          ...stopOf(answer, parsed, calls.length > 0),
          usage: usageOf(answer.usage),
        }),
      );
    },
    fail: () => false,
  };
}

function streamed(parsed: ParsedBody, reply: Reply): Output {
  let taken: Taken | null = null;
  let begun = false;
  let blocks = 0;
  let open: "text" | "tool_use" | null = null;
  const reader = createAnswerReader(parsed, () => taken?.requestId ?? "0x");
  const stream = eventStream(reply, { beat: event("ping") });

  function begin(): string {
    if (begun || taken === null) {
      return "";
    }
    begun = true;
    stream.begin(textHeaders(taken.requestId, taken.offer, parsed));
    const message = {
      ...messageOf(taken, parsed, []),
      ...NOT_STOPPED,
      usage: usageOf({ ...taken.prompt, outputTokens: 0 }),
    };
    return event("message_start", { message }) + event("ping");
  }

  function start(kind: "text" | "tool_use", block: object): string {
    const told = stop() + event("content_block_start", { index: blocks, content_block: block });
    open = kind;
    return told;
  }

  function stop(): string {
    if (open === null) {
      return "";
    }
    open = null;
    blocks += 1;
    return event("content_block_stop", { index: blocks - 1 });
  }

  function tell(part: Part): string {
    switch (part.kind) {
      case "text": {
        // White space between calls would make a block of its own.
        if (open !== "text" && part.text.trim() === "" && blocks > 0) {
          return "";
        }
        const started = open === "text" ? "" : start("text", textBlock(""));
        return (
          started + event("content_block_delta", { index: blocks, delta: { type: "text_delta", text: part.text } })
        );
      }
      case "callStart":
        return start("tool_use", toolUseBlock(part.id, part.name, {}));
      case "arguments":
        return event("content_block_delta", {
          index: blocks,
          delta: { type: "input_json_delta", partial_json: part.text },
        });
      case "callEnd":
        return stop();
    }
  }

  return {
    accept(_choice, accepted) {
      if (!begun && reader.text === "" && reader.calls.length === 0) {
        taken = accepted;
      }
      stream.onSilence(() => stream.write(begin()));
    },
    text(_choice, piece) {
      if (stream.closed) {
        return undefined;
      }
      const told = begin() + reader.push(piece).map(tell).join("");
      return told === "" ? undefined : stream.write(told);
    },
    async finish([answer]) {
      if (answer === undefined) {
        return;
      }
      taken ??= { ...answer, prompt: answer.usage };
      const rest = begin() + reader.flush().map(tell).join("");
      const empty = blocks === 0 && open === null ? start("text", textBlock("")) : "";
      stream.write(rest + empty + stop());
      await stream.end(
        event("message_delta", {
          delta: stopOf(answer, parsed, reader.calls.length > 0),
          usage: usageOf(answer.usage),
        }) + event("message_stop"),
      );
    },
    fail(error) {
      stream.stop();
      if (!reply.begun) {
        return false;
      }
      const { type: _type, ...body } = describeMessageError(error).body;
      stream.breakOff(event("error", body));
      return true;
    },
  };
}

function messageOf({ requestId }: Pick<Taken, "requestId">, { model }: ParsedBody, content: readonly Block[]) {
  return { id: idOf("msg_", requestId), type: "message", role: "assistant", model, content, diagnostics: null };
}

const NOT_STOPPED = { container: null, stop_details: null, stop_reason: null, stop_sequence: null };

/** Providers say that a stop sequence ended the answer, not which; with several it stays open. */
function stopOf({ stopReason }: Pick<Finished, "stopReason">, { generation }: ParsedBody, calls: boolean) {
  const [only, ...others] = generation.stop;
  return {
    ...NOT_STOPPED,
    stop_reason: calls && stopReason !== "length" ? "tool_use" : STOP_REASONS[stopReason],
    stop_sequence: stopReason === "stopSequence" && others.length === 0 ? (only ?? null) : null,
  };
}

const STOP_REASONS: Readonly<Record<Answer["stopReason"], string>> = {
  end: "end_turn",
  stopSequence: "stop_sequence",
  length: "max_tokens",
  cancelled: "end_turn",
};

/** Tokens that were read from a cache are counted by themselves. */
function usageOf({ promptTokens, cachedTokens, outputTokens }: Usage) {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation: null,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    inference_geo: null,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: 0 },
    server_tool_use: null,
    service_tier: "standard",
    speed: "standard",
  };
}

/** Arguments that were cut by the limit are no JSON; the answer says `max_tokens` then. */
function inputOf(text: string): unknown {
  try {
    return text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

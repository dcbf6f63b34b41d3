import type { ParsedBody } from "@depinfer/protocol";
import { createAnswerReader } from "../chat/answer-reader.ts";
import { COMMENT_BEAT, eventStream } from "../event-stream.ts";
import { describeError } from "../http-error.ts";
import { type Finished, type Output, type Taken, textHeaders } from "../output.ts";
import type { Reply } from "../reply.ts";
import { createEventWriter } from "./events.ts";
import { createItemBuilder } from "./item-builder.ts";
import { type OutputItem, type Progress, responseBody, responseId } from "./resource.ts";
import type { ResponseRequest } from "./response-request.ts";

/** Makes a whole response durable, before its last piece is sent. @param response the response object. */
export type Keep = (response: ReturnType<typeof responseBody>) => Promise<void>;

/** The answer of `/v1/responses`. */
export function responseOutput(
  request: ResponseRequest,
  keep: Keep,
  parsed: ParsedBody,
  reply: Reply,
  created: number,
): Output {
  let taken: Pick<Taken, "requestId" | "offer"> | null = null;
  const requestId = () => taken?.requestId ?? "0x";
  const reader = createAnswerReader(parsed, requestId);
  const events = createEventWriter();
  const builder = createItemBuilder(events, requestId);
  const stream = eventStream(reply, { beat: COMMENT_BEAT });
  let begun = false;

  const body = (output: readonly OutputItem[], progress: Progress) =>
    responseBody(request, responseId(requestId()), created, output, progress);

  function ended({ stopReason, usage }: Finished) {
    return body(builder.items, { status: "ended", stopReason, usage, at: Math.floor(Date.now() / 1000) });
  }

  async function kept(response: ReturnType<typeof responseBody>): Promise<void> {
    if (response.store) {
      await keep(response);
    }
  }

  /** What is left of the answer when it is over. */
  function close(answer: Finished): string {
    const rest = builder.take(reader.flush());
    // An answer without a word is a message without one.
    const empty = builder.items.length === 0 ? builder.take([{ kind: "text", text: "" }]) : "";
    return rest + empty + builder.close(answer.stopReason === "length" ? "incomplete" : "completed");
  }

  function begin(): string {
    if (begun || taken === null) {
      return "";
    }
    begun = true;
    stream.begin(textHeaders(taken.requestId, taken.offer, parsed));
    const response = body([], { status: "in_progress" });
    return events.event("response.created", { response }) + events.event("response.in_progress", { response });
  }

  return {
    accept(_choice, accepted) {
      if (!begun && reader.text === "" && reader.calls.length === 0) {
        taken = accepted;
      }
      if (parsed.stream) {
        stream.onSilence(() => stream.write(begin()));
      }
    },
    text(_choice, piece, logprobs) {
      if (!parsed.stream) {
        builder.take(reader.push(piece), logprobs);
        return undefined;
      }
      if (stream.closed) {
        return undefined;
      }
      const told = begin() + builder.take(reader.push(piece), logprobs);
      return told === "" ? undefined : stream.write(told);
    },
    async finish([answer]) {
      if (answer === undefined) {
        return;
      }
      taken ??= answer;
      if (!parsed.stream) {
        close(answer);
        const response = ended(answer);
        await kept(response);
        reply.begin({
          status: 200,
          headers: { ...textHeaders(taken.requestId, taken.offer, parsed), "content-type": "application/json" },
        });
        await reply.end(JSON.stringify(response));
        return;
      }
      stream.write(begin() + close(answer));
      const response = ended(answer);
      await kept(response);
      await stream.end(`${events.event(`response.${response.status}`, { response })}data: [DONE]\n\n`);
    },
    fail(error) {
      stream.stop();
      if (!reply.begun) {
        return false;
      }
      const told = describeError(error).body.error;
      const { code, message, param } = told;
      const failed = body(builder.items, { status: "failed", error: { code, message } });
      stream.breakOff(
        events.event("error", { code, message, param, error: told }) +
          events.event("response.failed", { response: failed }),
      );
      return true;
    },
  };
}

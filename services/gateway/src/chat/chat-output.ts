import type { Hex, ParsedBody } from "@depinfer/protocol";
import { COMMENT_BEAT, eventStream } from "../event-stream.ts";
import { describeError } from "../http-error.ts";
import { type Finished, type Origin, type Output, type Taken, textHeaders } from "../output.ts";
import type { Reply } from "../reply.ts";
import { type AnswerReader, createAnswerReader, type Part } from "./answer-reader.ts";
import { type ChunkWriter, createChunkWriter, type ResponseIdentity } from "./chunks.ts";
import { finishReason } from "./finish-reason.ts";
import { fingerprintOf, idOf } from "./identity.ts";
import { createLogprobTeller, type LogprobTeller } from "./logprobs.ts";
import { totalUsage } from "./usage.ts";
import { completeBody } from "./whole.ts";

type Endpoint = "chat" | "completion";

/** What is known of a choice while it is answered. */
interface Choice {
  taken: Pick<Taken, "requestId" | "offer"> | null;
  readonly reader: AnswerReader;
  readonly logprobs: LogprobTeller;
}

/** The answers of `/v1/chat/completions` and `/v1/completions`. */
export function chatOutput(endpoint: Endpoint, parsed: ParsedBody, reply: Reply, created: number): Output {
  const choices = Array.from({ length: parsed.n }, (): Choice => {
    const choice: Choice = {
      taken: null,
      reader: createAnswerReader(parsed, () => choice.taken?.requestId ?? "0x"),
      logprobs: createLogprobTeller(endpoint, parsed.generation.logprobs),
    };
    return choice;
  });
  const identify = (requestId: Hex, offer: Origin): ResponseIdentity => ({
    endpoint,
    id: idOf(endpoint === "chat" ? "chatcmpl-" : "cmpl-", requestId),
    created,
    model: parsed.model,
    fingerprint: fingerprintOf(offer),
    includeUsage: parsed.includeUsage,
  });
  return parsed.stream ? streamed(choices, parsed, reply, identify) : buffered(choices, parsed, reply, identify);
}

type Identify = (requestId: Hex, offer: Origin) => ResponseIdentity;

function buffered(choices: readonly Choice[], parsed: ParsedBody, reply: Reply, identify: Identify): Output {
  return {
    accept(choice, taken) {
      take(choices[choice], taken);
    },
    text(choice, piece, logprobs = []) {
      choices[choice]?.logprobs.push(logprobs);
      choices[choice]?.reader.push(piece);
      return undefined;
    },
    async finish(answers) {
      const [first] = answers;
      if (first === undefined) {
        return;
      }
      const whole = choices.flatMap((choice, index) => {
        const answer = answers[index];
        if (answer === undefined) {
          return [];
        }
        choice.taken ??= answer;
        choice.reader.flush();
        const { reader, logprobs } = choice;
        return [{ reader, logprobs: logprobs.all(), reason: finishReason(answer.stopReason, reader) }];
      });
      reply.begin({
        status: 200,
        headers: { ...textHeaders(first.requestId, first.offer, parsed), "content-type": "application/json" },
      });
      const identity = identify(first.requestId, first.offer);
      await reply.end(JSON.stringify(completeBody(identity, whole, totalUsage(answers))));
    },
    fail: () => false,
  };
}

function streamed(choices: readonly Choice[], parsed: ParsedBody, reply: Reply, identify: Identify): Output {
  const stream = eventStream(reply, { beat: COMMENT_BEAT });
  let chunks: ChunkWriter | null = null;

  /** Headers wait for the first text: until then another provider may take over, under another receipt. */
  function begin({ requestId, offer }: Pick<Taken, "requestId" | "offer">): ChunkWriter {
    if (chunks === null) {
      chunks = createChunkWriter(identify(requestId, offer));
      stream.begin(textHeaders(requestId, offer, parsed));
      stream.write(choices.map((_, index) => chunks?.opening(index) ?? "").join(""));
    }
    return chunks;
  }

  function frames(writer: ChunkWriter, index: number, parts: readonly Part[], { logprobs }: Choice): string {
    let text = "";
    for (const part of parts) {
      switch (part.kind) {
        case "text":
          text += writer.text(index, part.text, logprobs.next());
          break;
        case "callStart":
          text += writer.callStart(index, part.index, part.id, part.name);
          break;
        case "arguments":
          text += writer.callArguments(index, part.index, part.text);
          break;
        case "callEnd":
          break;
      }
    }
    return text;
  }

  function end(writer: ChunkWriter, answer: Finished, index: number): string {
    const choice = choices[index];
    if (choice === undefined) {
      return "";
    }
    choice.taken ??= answer;
    const rest = frames(writer, index, choice.reader.flush(), choice);
    return rest + writer.finish(index, finishReason(answer.stopReason, choice.reader), choice.logprobs.next());
  }

  return {
    accept(choice, taken) {
      take(choices[choice], taken);
      stream.onSilence(() => begin(taken));
    },
    text(index, piece, logprobs = []) {
      const choice = choices[index];
      if (choice === undefined || choice.taken === null || stream.closed) {
        return undefined;
      }
      const writer = begin(choice.taken);
      choice.logprobs.push(logprobs);
      const events = frames(writer, index, choice.reader.push(piece), choice);
      return events === "" ? undefined : stream.write(events);
    },
    async finish(answers) {
      const [first] = answers;
      if (first === undefined) {
        return;
      }
      const writer = begin(first);
      stream.write(answers.map((answer, index) => end(writer, answer, index)).join(""));
      await stream.end((parsed.includeUsage ? writer.usage(totalUsage(answers)) : "") + writer.done);
    },
    fail(error) {
      if (!stream.begun) {
        stream.stop();
        return false;
      }
      // No [DONE]: client libraries raise on the error frame, and a cut stream must not look like a whole answer.
      stream.breakOff(`data: ${JSON.stringify(describeError(error).body)}\n\n`);
      return true;
    },
  };
}

/** Ids of calls are made from the request that was answered first, and stay when another provider goes on with it. */
function take(choice: Choice | undefined, taken: Taken): void {
  if (choice !== undefined && choice.reader.text === "" && choice.reader.calls.length === 0) {
    choice.taken = taken;
  }
}

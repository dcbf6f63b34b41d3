import { levelOfAnswer, type ParsedBody, parseTensorText, tensorsToJson } from "@depinfer/protocol";
import { fingerprintOf, idOf } from "./chat/identity.ts";
import { answerHeaders, type Output } from "./output.ts";
import type { Reply } from "./reply.ts";

/** The answer of `/v1/infer` as one JSON body. Tensors are small beside their computation, so there is no stream. */
export function tensorOutput(parsed: ParsedBody, reply: Reply, created: number): Output {
  let text = "";
  return {
    accept: () => undefined,
    text(_choice, piece) {
      text += piece;
      return undefined;
    },
    async finish([answer]) {
      if (answer === undefined) {
        return;
      }
      const { requestId, offer, usage } = answer;
      const body = JSON.stringify({
        id: idOf("infer-", requestId),
        object: "tensors",
        created,
        model: parsed.model,
        system_fingerprint: fingerprintOf(offer),
        outputs: tensorsToJson(parseTensorText(text)),
        usage: { input_words: usage.promptTokens, output_words: usage.outputTokens },
      });
      reply.begin({
        status: 200,
        headers: {
          ...answerHeaders(requestId, offer, levelOfAnswer(offer.proofLevel, 0)),
          "content-type": "application/json",
        },
      });
      await reply.end(body);
    },
    fail: () => false,
  };
}

import { levelOfAnswer, type ParsedBody, parseTensorText, tensorsToJson } from "@depinfer/protocol";
import { answerHeaders, type Output } from "./output.ts";
import type { Reply } from "./reply.ts";

/** The answer of `/v1/infer` as one JSON body. Tensors are small beside their computation, so there is no stream. */
export function tensorOutput(parsed: ParsedBody, reply: Reply, created: number): Output {
  let text = "";
  return {
    accept: () => undefined,
    text(piece) {
      text += piece;
      return undefined;
    },
    async finish({ requestId, offer, usage }) {
      const body = JSON.stringify({
        id: `infer-${requestId.slice(2, 34)}`,
        object: "tensors",
        created,
        model: parsed.model,
        system_fingerprint: `fp_${offer.classId.slice(2, 14)}`,
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

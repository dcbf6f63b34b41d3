import type { ServerResponse } from "node:http";
import { levelOfAnswer, type ParsedBody, parseTensorText, tensorsToJson } from "@depinfer/protocol";
import { answerHeaders, type Output } from "./complete.ts";
import { sendJson } from "./http-error.ts";

/** The answer of `/v1/infer` as one JSON body. Tensors are small beside their computation, so there is no stream. */
export function tensorOutput(parsed: ParsedBody, response: ServerResponse): Output {
  let text = "";
  return {
    accept: () => undefined,
    text(piece) {
      text += piece;
      return undefined;
    },
    finish({ requestId, offer, usage }) {
      const body = {
        id: `infer-${requestId.slice(2, 34)}`,
        object: "tensors",
        created: Math.floor(Date.now() / 1000),
        model: parsed.model,
        system_fingerprint: `fp_${offer.classId.slice(2, 14)}`,
        outputs: tensorsToJson(parseTensorText(text)),
        usage: { input_words: usage.promptTokens, output_words: usage.outputTokens },
      };
      sendJson(response, 200, body, answerHeaders(requestId, offer, levelOfAnswer(offer.proofLevel, 0)));
    },
    fail: () => false,
  };
}

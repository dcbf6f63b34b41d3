import { DepinferError, decodeError, decodeMessage, encodeMessage, FrameType, type Query } from "@depinfer/protocol";
import type { z } from "zod";
import type { Link } from "./link.ts";

const TIMEOUT_MS = 10_000;

/**
 * Asks a provider a question outside the life of a request.
 *
 * @throws DepinferError what the provider said, `message.malformed`, or `query.unanswered` after ten seconds.
 */
export function query<Schema extends z.ZodType>(
  link: Link,
  question: Query,
  schema: Schema,
): Promise<z.output<Schema>> {
  return new Promise((resolve, reject) => {
    const exchange = link.open(encodeMessage(question), FrameType.QUERY);
    const timer = setTimeout(() => exchange.cancel("timeout"), TIMEOUT_MS);
    exchange.onFrame((type, payload) => {
      try {
        if (type === FrameType.RESULT) {
          resolve(decodeMessage(schema, payload, `answer to ${question.method}`));
        } else if (type === FrameType.ERR) {
          reject(decodeError(payload));
        }
      } catch (error) {
        reject(error);
      }
    });
    exchange.onClose((outcome) => {
      clearTimeout(timer);
      reject(outcome.kind === "failed" ? outcome.error : unanswered(question, link.peerId));
    });
  });
}

function unanswered({ method }: Query, peerId: string): DepinferError {
  return new DepinferError({
    code: "query.unanswered",
    message: `${peerId} did not answer the query "${method}"`,
    remedy: "Ask again, or ask another peer",
    retryable: true,
    metadata: { method, peerId },
  });
}

import { DepinferError } from "@depinfer/protocol";
import type { Begun } from "./begun.ts";
import type { AnswerHandlers } from "./buyer.ts";

/** One uninterrupted answer out of what several providers deliver. */
export interface OneText {
  /** Whether the app was told anything. */
  readonly begun: boolean;
  /**
   * Takes the pieces of a provider that goes on from `begun`, or begins anew. What the app has already is left out, after
   * it was compared: the rest of an answer that began otherwise is no rest of it.
   */
  from(begun: Begun | null): AnswerHandlers["onText"];
}

export function createOneText(onText: AnswerHandlers["onText"]): OneText {
  let text = "";
  let tokens = 0;
  let told = false;

  return {
    get begun() {
      return told;
    },
    from(begun) {
      if (!told) {
        text = begun?.text ?? "";
        tokens = begun?.tokens.length ?? 0;
      }
      let [textAt, tokensAt] = [begun?.text.length ?? 0, begun?.tokens.length ?? 0];
      return (piece, ids = [], logprobs) => {
        const known = Math.min(piece.length, Math.max(0, text.length - textAt));
        if (known > 0 && !text.startsWith(piece.slice(0, known), textAt)) {
          throw diverged(textAt);
        }
        const knownIds = Math.min(ids.length, Math.max(0, tokens - tokensAt));
        textAt += piece.length;
        tokensAt += ids.length;
        const fresh = piece.slice(known);
        text += fresh;
        tokens = Math.max(tokens, tokensAt);
        if (fresh === "" && (logprobs === undefined || knownIds === ids.length)) {
          return undefined;
        }
        told = true;
        return onText(fresh, ids.slice(knownIds), logprobs?.slice(knownIds));
      };
    },
  };
}

function diverged(at: number): DepinferError {
  return new DepinferError({
    code: "provider.diverged",
    message: `The provider that went on with the answer made it differ from what was delivered, at character ${at}`,
    remedy:
      "Ask again; one of the two providers did not compute what its class says, and their receipts can be verified",
    metadata: { at },
  });
}

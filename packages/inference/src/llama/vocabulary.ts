import type { Vocabulary } from "@depinfer/proof";
import type { LlamaModel, Token } from "node-llama-cpp";

/** The tokens of a model as constraints see them. Texts are looked up once each. */
export function createLlamaVocabulary(model: LlamaModel): Vocabulary {
  const texts = new Map<number, string>();
  // In the middle of an answer, where tokenizers do not drop a leading space.
  const before: readonly Token[] = model.tokenize("a", false).slice(-1);
  let sorted: readonly number[] | undefined;
  let ends: readonly number[] | undefined;

  function text(token: number): string {
    const known = texts.get(token);
    if (known !== undefined) {
      return known;
    }
    const found = isToken(token) && !model.isEogToken(token) ? model.detokenize([token], false, before) : "";
    texts.set(token, found);
    return found;
  }

  const length = (token: number) => text(token).replace(/\s/g, "").length;

  return {
    text,
    endsTurn: (token) => isToken(token) && model.isEogToken(token),
    byLength() {
      sorted ??= [...model.iterateAllTokens()]
        .map((token) => ({ token, length: length(token) }))
        .filter(({ token }) => text(token) !== "")
        .sort((a, b) => b.length - a.length || a.token - b.token)
        .map(({ token }) => token);
      return sorted;
    },
    get endTokens() {
      ends ??= [...model.iterateAllTokens()].filter((token) => model.isEogToken(token)).toSorted((a, b) => a - b);
      return ends;
    },
  };
}

function isToken(value: number): value is Token {
  return Number.isInteger(value) && value >= 0;
}

/** Loads a GGUF file on one thread and answers conversations through the engine's own token loop. */
import {
  getLlama,
  type LlamaContextSequence,
  LlamaLogLevel,
  type LlamaModel,
  LlamaText,
  SpecialToken,
  SpecialTokensText,
  type Token,
} from "node-llama-cpp";
import type { Conversation } from "../corpus/conversation.ts";

export interface Message {
  role: "system" | "user" | "assistant";
  text: string;
}

export interface Reply {
  text: string;
  tokens: number;
  /** True if the model ended its turn itself. */
  ended: boolean;
}

export interface Engine {
  model: LlamaModel;
  sequence: LlamaContextSequence;
  /** `limit` in tokens; temperature 0 is the best token at each step. */
  reply(
    messages: readonly Message[],
    options?: { temperature?: number; seed?: number; limit?: number },
  ): Promise<Reply>;
}

/** The messages of a conversation up to its last answer, and that answer. */
export function dialogue({ system, turns }: Conversation): { messages: Message[]; expected: string } {
  const messages: Message[] = system ? [{ role: "system", text: system }] : [];
  for (const { user, assistant } of turns)
    messages.push({ role: "user", text: user }, { role: "assistant", text: assistant });
  return { messages: messages.slice(0, -1), expected: turns.at(-1)?.assistant ?? "" };
}

/** Token ids of a conversation up to where the assistant speaks next, as the chat template writes it. */
export function promptTokens(model: LlamaModel, messages: readonly Message[]): Token[] {
  const parts = messages.flatMap(({ role, text }) => [
    new SpecialTokensText(`<|im_start|>${role}\n`),
    text,
    new SpecialTokensText("<|im_end|>\n"),
  ]);
  const next = new SpecialTokensText("<|im_start|>assistant\n");
  return LlamaText([new SpecialToken("BOS"), ...parts, next]).tokenize(model.tokenizer);
}

export async function loadEngine(modelPath: string): Promise<Engine> {
  const llama = await getLlama({ gpu: false, maxThreads: 1, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: 1024, threads: 1 });
  const sequence = context.getSequence();
  return {
    model,
    sequence,
    async reply(messages, { temperature = 0, seed = 1, limit = 250 } = {}) {
      await sequence.clearHistory();
      const out: Token[] = [];
      for await (const token of sequence.evaluate(promptTokens(model, messages), { temperature, topK: 40, seed })) {
        out.push(token);
        if (out.length >= limit) return { text: model.detokenize(out), tokens: out.length, ended: false };
      }
      return { text: model.detokenize(out), tokens: out.length, ended: true };
    },
  };
}

import { type Generation, type PlainMessage, plainMessages, textPrompt } from "@depinfer/protocol";
import type { ChatHistoryItem, ChatWrapper, LlamaModel } from "node-llama-cpp";

/** Token ids of a prompt: the model's chat template around messages, or the bare text of a completion. */
export function promptTokens(model: LlamaModel, wrapper: ChatWrapper, generation: Generation): number[] {
  const prompt = textPrompt(generation.prompt);
  if ("text" in prompt) {
    const tokens: number[] = model.tokenize(prompt.text, false);
    const start = model.tokens.bos;
    return start !== null && model.tokens.shouldPrependBosToken ? [start, ...tokens] : tokens;
  }
  const messages = plainMessages(prompt.messages, generation.constraint);
  const chatHistory = [...messages.map(toHistoryItem), emptyAnswer];
  return wrapper.generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer);
}

const emptyAnswer: ChatHistoryItem = { type: "model", response: [] };

function toHistoryItem({ role, content }: PlainMessage): ChatHistoryItem {
  switch (role) {
    case "system":
      return { type: "system", text: content };
    case "user":
      return { type: "user", text: content };
    case "assistant":
      return { type: "model", response: [content] };
  }
}

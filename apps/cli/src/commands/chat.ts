import { createInterface } from "node:readline/promises";
import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";
import type { GatewayClient } from "../gateway-client.ts";
import { receiptFileSchema } from "../verification.ts";
import { summary } from "./up.ts";

export interface ChatCommandOptions {
  /** One question; without it the chat is interactive. */
  readonly prompt?: string;
  readonly model?: string;
  readonly system?: string;
  readonly temperature: number;
  readonly provider?: string;
  readonly json: boolean;
}

interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

const models = z.object({ data: z.array(z.object({ id: z.string() })) });

/** `depinfer chat`: streams answers; with a prompt just one, else until the input ends. */
export async function chat(client: GatewayClient, options: ChatCommandOptions): Promise<void> {
  const model = options.model ?? (await firstModel(client));
  const messages: Message[] = options.system === undefined ? [] : [{ role: "system", content: options.system }];
  if (options.prompt !== undefined) {
    await turn(client, model, messages, options.prompt, options);
    return;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr, prompt: "you> " });
  console.error(`Talking to ${model}. An empty line or Ctrl-D ends it.`);
  terminal.prompt();
  for await (const line of terminal) {
    if (line.trim() === "") {
      break;
    }
    try {
      await turn(client, model, messages, line, options);
    } catch (error) {
      console.error(error instanceof DepinferError ? error.describe() : String(error));
    }
    terminal.prompt();
  }
  terminal.close();
}

async function turn(
  client: GatewayClient,
  model: string,
  messages: Message[],
  question: string,
  options: ChatCommandOptions,
): Promise<void> {
  messages.push({ role: "user", content: question });
  const body = { model, messages, temperature: options.temperature };
  const show = options.json ? () => undefined : (text: string) => process.stdout.write(text);
  const answer = await client.chat(body, show, options.provider === undefined ? {} : { provider: options.provider });
  messages.push({ role: "assistant", content: answer.text });
  const { cost } = await client.get(`/v1/receipts/${answer.receiptId}`, receiptFileSchema);
  if (options.json) {
    console.log(JSON.stringify({ ...answer, model, cost }));
  } else {
    console.log();
    console.error(
      `[${summary(BigInt(cost), answer.outputTokens, answer.provider)}; check it: npx depinfer verify ${answer.receiptId}]`,
    );
  }
}

async function firstModel(client: GatewayClient): Promise<string> {
  const { data } = await client.get("/v1/models", models);
  const model = data[0]?.id;
  if (model === undefined) {
    throw new DepinferError({
      code: "route.unknownModel",
      message: "No provider is online yet",
      remedy: "Try again in a moment",
      retryable: true,
    });
  }
  return model;
}

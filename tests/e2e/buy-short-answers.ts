import type { TestNetwork } from "./local-network.ts";

const AT_ONCE = 4;

/** Buys so many short answers, some at a time; each costs some units. @throws Error for an answer that is not 200. */
export async function buyShortAnswers({ access }: Pick<TestNetwork, "access">, answers: number): Promise<void> {
  let left = answers;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left > 0) {
        left -= 1;
        await buyOne(access);
      }
    }),
  );
}

async function buyOne({ url, apiKey }: TestNetwork["access"]): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "Depinfer Tiny",
      max_tokens: 16,
      messages: [{ role: "user", content: "Say hello." }],
    }),
  });
  const text = await response.text();
  if (response.status !== 200) {
    throw new Error(`${response.status}: ${text.slice(0, 300)}`);
  }
}

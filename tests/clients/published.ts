import type { Access } from "../../apps/cli/src/gateway-client.ts";

/** Where the clients of these tests find the gateway. */
export interface Endpoint extends Access {
  readonly model: string;
}

/** Calls the gateway without anybody's client. */
export async function post(
  { url, apiKey }: Endpoint,
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** The JSON of the events of a stream. */
export function eventsOf(text: string): unknown[] {
  return text
    .split("\n\n")
    .flatMap((frame) => frame.split("\n").filter((line) => line.startsWith("data: {")))
    .map((line): unknown => JSON.parse(line.slice("data: ".length)));
}

/** A tool with a small schema, so that a model without sense calls it in few tokens. */
export const paint = {
  name: "paint",
  description: "Paints the wall",
  parameters: {
    type: "object",
    properties: { colour: { type: "string", enum: ["red", "blue"] } },
    required: ["colour"],
    additionalProperties: false,
  },
} as const;

/** A form that few tokens fill. */
export const verdict = {
  type: "object",
  properties: { good: { type: "boolean" } },
  required: ["good"],
  additionalProperties: false,
} as const;

import type { IncomingMessage } from "node:http";
import { DepinferError, parseJson, utf8 } from "@depinfer/protocol";
import { z } from "zod";
import type { Translator } from "../asked.ts";
import { sendJson } from "../http-error.ts";
import { checked } from "../invalid.ts";
import type { RouteModules, RouteTable } from "../routes.ts";
import { chatBodyOf, inputItems } from "./chat-body.ts";
import { responseOutput } from "./response-output.ts";
import { type Item, itemSchema, responseRequestSchema } from "./response-request.ts";
import type { KeptResponse, ResponseStore } from "./response-store.ts";

/** A conversation of more turns is not read back. */
const MOST_TURNS = 1_000;

/** `/v1/responses`: bought as chats, kept for their key, and gone on from. */
export function responseRoutes({ keyOf, answer, responses }: RouteModules): RouteTable {
  async function kept(request: IncomingMessage, id: string): Promise<KeptResponse> {
    const { name } = await keyOf(request);
    return (await responses?.find(name, id)) ?? unknownResponse(id);
  }

  return {
    "/v1/responses": {
      async POST(request, response) {
        const key = await keyOf(request);
        await answer(responseTranslator(key.name, responses), key, request, response);
      },
    },
    "/v1/responses/:id": {
      async GET(request, response, { id = "" }) {
        const { response: body } = await kept(request, id);
        sendJson(response, 200, JSON.parse(body));
      },
      async DELETE(request, response, { id = "" }) {
        const { name } = await keyOf(request);
        if (!(await responses?.remove(name, id))) {
          unknownResponse(id);
        }
        sendJson(response, 200, { id, object: "response", deleted: true });
      },
    },
    "/v1/responses/:id/input_items": {
      async GET(request, response, { id = "" }) {
        const { input } = await kept(request, id);
        const items = itemsSchema.parse(JSON.parse(input));
        const data = items.map((item, index) => ({ id: `${id}_${index}`, ...item }));
        sendJson(response, 200, {
          object: "list",
          data,
          first_id: data.at(0)?.id ?? null,
          last_id: data.at(-1)?.id ?? null,
          has_more: false,
        });
      },
    },
  };
}

const itemsSchema = z.array(itemSchema);
const outputSchema = z.object({ output: itemsSchema });

/** Turns the requests of an account into chats. */
export function responseTranslator(account: string, store: ResponseStore | undefined): Translator {
  return {
    name: "responses",
    endpoint: "chat",
    async translate(bytes) {
      const request = checked(responseRequestSchema, parseJson(bytes, "The request body"));
      const context = await conversation(account, store, request.previous_response_id ?? null);
      const asked = { ...request, store: store !== undefined && (request.store ?? true) };
      return {
        body: utf8(JSON.stringify(chatBodyOf(request, context))),
        shape: (parsed, reply, created) =>
          responseOutput(
            asked,
            async (response) => {
              await store?.keep(account, {
                id: response.id,
                previous: request.previous_response_id ?? null,
                createdAt: created,
                response: JSON.stringify(response),
                input: JSON.stringify(inputItems(request)),
              });
            },
            parsed,
            reply,
            created,
          ),
      };
    },
  };
}

/** Items of a response and those before it, oldest first. Instructions are not carried over. */
async function conversation(account: string, store: ResponseStore | undefined, last: string | null): Promise<Item[]> {
  const turns: Item[][] = [];
  for (let id = last; id !== null; ) {
    const kept = (await store?.find(account, id)) ?? unknownResponse(id, "previous_response_id");
    if (turns.length === MOST_TURNS) {
      throw new DepinferError({
        code: "request.invalid",
        message: `The conversation before ${last} has more than ${MOST_TURNS} turns`,
        remedy: "Send the items that matter as input instead",
        metadata: { param: "previous_response_id" },
      });
    }
    turns.push([...itemsSchema.parse(JSON.parse(kept.input)), ...outputSchema.parse(JSON.parse(kept.response)).output]);
    id = kept.previous;
  }
  return turns.reverse().flat();
}

function unknownResponse(id: string, param: string | null = null): never {
  throw new DepinferError({
    code: "response.unknown",
    message: `No response ${JSON.stringify(id.slice(0, 200))} is kept for this key`,
    remedy: "Responses are kept for 30 days unless they were asked for with `store: false`; send their items as input",
    metadata: { param },
  });
}

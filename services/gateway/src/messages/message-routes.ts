import type { IncomingMessage } from "node:http";
import { parseJson, utf8 } from "@depinfer/protocol";
import type { Translator } from "../asked.ts";
import { checked, invalid } from "../invalid.ts";
import type { RouteModules, RouteTable } from "../routes.ts";
import { chatBodyOf } from "./chat-body.ts";
import { messageOutput } from "./message-output.ts";
import { messageRequestSchema } from "./message-request.ts";

/** Versions of Anthropic's API. What the newer one adds to answers, readers of the older one skip. */
const VERSIONS = ["2023-06-01", "2026-10-21"];

/** Turns requests of Anthropic's form into chats. */
export const messageTranslator: Translator = {
  name: "messages",
  endpoint: "chat",
  translate(bytes) {
    const request = checked(messageRequestSchema, parseJson(bytes, "The request body"));
    return { body: utf8(JSON.stringify(chatBodyOf(request))), shape: messageOutput };
  },
};

export function messageRoutes({ keyOf, answer }: RouteModules): RouteTable {
  return {
    "/v1/messages": {
      async POST(request, response) {
        const key = await keyOf(request);
        checkVersion(request);
        await answer(messageTranslator, key, request, response);
      },
    },
  };
}

/** @throws DepinferError `request.invalid`. */
function checkVersion({ headers }: IncomingMessage): void {
  const version = headers["anthropic-version"];
  if (version !== undefined && !VERSIONS.includes(String(version))) {
    throw invalid("anthropic-version", `anthropic-version is ${JSON.stringify(version)}, not ${VERSIONS.join(" or ")}`);
  }
}

import { BODY_SCHEMAS } from "@depinfer/protocol";
import { type Endpoint, gatewayApi } from "@depinfer/protocol/api";
import { z } from "zod";
import { batchRequestSchema } from "../batches/batch-routes.ts";
import { messageRequestSchema } from "../messages/message-request.ts";
import { responseRequestSchema } from "../responses/response-request.ts";
import {
  batchSchema,
  chatAnswerSchema,
  chatChunkSchema,
  completionAnswerSchema,
  embeddingAnswerSchema,
  errorSchema,
  fileSchema,
  messageAnswerSchema,
  messageErrorSchema,
  responseAnswerSchema,
} from "./answer-schemas.ts";

/*
 * The OpenAPI document, made of the schemas that check what comes in and of those that tests hold the answers to.
 */

interface Described {
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly answer?: z.ZodType;
  /** One event of the stream that is answered where the body asks for one. */
  readonly event?: z.ZodType;
  readonly error?: z.ZodType;
  /** The side of `answer` that travels: `input` where clients parse it into something else, as digits into amounts. */
  readonly onTheWire?: "input" | "output";
}

const deleted = z.strictObject({ id: z.string(), object: z.string(), deleted: z.literal(true) });
const model = z.looseObject({ id: z.string(), object: z.literal("model"), created: z.int(), owned_by: z.string() });
const listOf = (entry: z.ZodType) => z.looseObject({ object: z.literal("list"), data: z.array(entry) });
const event = z.looseObject({ type: z.string() });

const PATHS: Readonly<Record<string, Readonly<Record<string, Described>>>> = {
  "/v1/models": { get: { summary: "Models on offer", answer: listOf(model) } },
  "/v1/models/{id}": { get: { summary: "A model, and what is proven of it", answer: model } },
  "/v1/chat/completions": {
    post: { summary: "Answer a chat", body: BODY_SCHEMAS.chat, answer: chatAnswerSchema, event: chatChunkSchema },
  },
  "/v1/completions": {
    post: {
      summary: "Go on with a text",
      body: BODY_SCHEMAS.completion,
      answer: completionAnswerSchema,
      event: completionAnswerSchema,
    },
  },
  "/v1/embeddings": {
    post: { summary: "Turn texts into vectors", body: BODY_SCHEMAS.embedding, answer: embeddingAnswerSchema },
  },
  "/v1/responses": {
    post: { summary: "Make a response", body: responseRequestSchema, answer: responseAnswerSchema, event },
  },
  "/v1/responses/{id}": {
    get: { summary: "A response that is kept", answer: responseAnswerSchema },
    delete: { summary: "Forget a response", answer: deleted },
  },
  "/v1/responses/{id}/input_items": {
    get: { summary: "What a response answers", answer: listOf(z.looseObject({ id: z.string() })) },
  },
  "/v1/messages": {
    post: {
      summary: "Make a message, in the form of Anthropic's API",
      body: messageRequestSchema,
      answer: messageAnswerSchema,
      event,
      error: messageErrorSchema,
    },
  },
  "/v1/files": {
    post: { summary: "Upload the input of a batch as multipart/form-data", answer: fileSchema },
    get: { summary: "Files", answer: listOf(fileSchema) },
  },
  "/v1/files/{id}": {
    get: { summary: "A file", answer: fileSchema },
    delete: { summary: "Remove a file", answer: deleted },
  },
  "/v1/files/{id}/content": { get: { summary: "What a file holds" } },
  "/v1/batches": {
    post: { summary: "Answer every line of a file", body: batchRequestSchema, answer: batchSchema },
    get: { summary: "Batches", answer: listOf(batchSchema) },
  },
  "/v1/batches/{id}": { get: { summary: "A batch, and how far it is", answer: batchSchema } },
  "/v1/batches/{id}/cancel": { post: { summary: "Cancel a batch", answer: batchSchema } },
};

/** What a gateway tells the holder of a key of itself, as `gatewayApi` has it, where it is not described above. */
const OWN_PATHS: Readonly<Record<string, Readonly<Record<string, Described>>>> = Object.fromEntries(
  [...Map.groupBy(Object.values<Endpoint>(gatewayApi), ({ path }) => path.replaceAll(/:(\w+)/g, "{$1}"))]
    .filter(([path]) => PATHS[path] === undefined)
    .map(([path, endpoints]) => [path, Object.fromEntries(endpoints.map(ownOperation))]),
);

function ownOperation({ method, summary, answer, body }: Endpoint): [string, Described] {
  return [method.toLowerCase(), { summary, answer, onTheWire: "input", ...(body === undefined ? {} : { body }) }];
}

let made: object | null = null;

export function openApiDocument(): object {
  made ??= {
    openapi: "3.1.0",
    info: {
      title: "Depinfer gateway",
      version: "1",
      description:
        "Answers are bought from independent providers and can be checked: `x-depinfer-receipt` names the receipt of each. A parameter is honoured or refused by its name, never dropped.",
    },
    security: [{ bearer: [] }, { apiKey: [] }],
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
    paths: Object.fromEntries(
      Object.entries({ ...PATHS, ...OWN_PATHS }).map(([path, methods]) => [path, pathItem(path, methods)]),
    ),
  };
  return made;
}

function pathItem(path: string, methods: Readonly<Record<string, Described>>): object {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    ...(named.length === 0 ? {} : { parameters: named }),
    ...Object.fromEntries(Object.entries(methods).map(([method, described]) => [method, operation(described)])),
  };
}

function operation({
  summary,
  body,
  answer,
  event: streamed,
  error = errorSchema,
  onTheWire = "output",
}: Described): object {
  return {
    summary,
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: schemaOf(body, "input") } } } }),
    responses: {
      "200": {
        description: "Answered",
        content:
          answer === undefined
            ? { "application/octet-stream": {} }
            : {
                "application/json": { schema: schemaOf(answer, onTheWire) },
                ...(streamed === undefined ? {} : { "text/event-stream": { schema: schemaOf(streamed, "output") } }),
              },
      },
      default: {
        description: "Refused or failed; `error.code` says why, and Retry-After when to try again",
        content: { "application/json": { schema: schemaOf(error, "output") } },
      },
    },
  };
}

/** What JSON cannot say of a value is left open: the check that follows refuses it by its name. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any", target: "draft-2020-12" });
  return json;
}

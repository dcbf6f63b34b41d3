import { apiErrorSchema, indexerApi } from "@depinfer/protocol/api";
import { z } from "zod";

/** The API's description in OpenAPI 3.1, made of the schemas that check queries and that tests hold answers to. */
export function openApiDocument(): unknown {
  return {
    openapi: "3.1.0",
    info: { title: "Depinfer indexer", version: "1", description: "Read only. Money is in units as decimal digits." },
    paths: Object.fromEntries(
      Object.values(indexerApi).map(({ path, summary, query, answer }) => [
        path.replaceAll(/:(\w+)/g, "{$1}"),
        {
          get: {
            summary,
            parameters: [...pathParameters(path), ...queryParameters(query)],
            responses: {
              "200": { description: summary, content: json(answer) },
              default: { description: "What went wrong", content: json(apiErrorSchema) },
            },
          },
        },
      ]),
    ),
  };
}

function json(schema: z.ZodType) {
  return { "application/json": { schema: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) } };
}

function pathParameters(path: string) {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodType) {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

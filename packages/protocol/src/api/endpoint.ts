import { z } from "zod";

/**
 * One HTTP endpoint: the server validates with these schemas, the OpenAPI document is made of them, and clients get
 * their types and check what comes back, so that a server of another version is noticed where it answers.
 */
export interface Endpoint<
  Query extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Named parts begin with a colon: `/providers/:provider`. */
  readonly path: string;
  /** One sentence about what it answers. */
  readonly summary: string;
  readonly query: Query;
  readonly answer: Answer;
  /** Of `POST` and `PUT`. */
  readonly body?: Body;
}

/** Keeps the exact types of an endpoint's schemas. */
export function endpoint<Query extends z.ZodType, Answer extends z.ZodType, Body extends z.ZodType>(
  definition: Endpoint<Query, Answer, Body>,
): Endpoint<Query, Answer, Body> {
  return definition;
}

/** A list, newest or best first; `next` goes into the query as `after` to read on, and is null at the end. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), next: z.string().nullable() });
}

/** How an API of ours says that something went wrong. */
export const apiErrorSchema = z.object({
  error: z.object({
    code: z.string().nullable(),
    message: z.string(),
    remedy: z.string().optional(),
  }),
});

import { sendJson } from "../http-error.ts";
import type { RouteTable } from "../routes.ts";
import { openApiDocument } from "./document.ts";

/** `GET /openapi.json`, for everybody: it says nothing of this gateway's keys or providers. */
export const openApiRoutes: RouteTable = {
  "/openapi.json": {
    GET(_request, response) {
      sendJson(response, 200, openApiDocument());
    },
  },
};

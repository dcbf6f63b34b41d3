/* What every HTTP server of the project is careful about, without the rest of a gateway. */
export { checkHeaders, checkHostAndOrigin, isLocalHost, readBody, SERVER_LIMITS } from "./http-guard.ts";
export { checkDepth } from "./json-depth.ts";
export { createRouter, type Handler, type RouteTable } from "./routes.ts";

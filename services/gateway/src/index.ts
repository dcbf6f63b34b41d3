export { createGateway, type Gateway, type GatewayModules, type GatewayOptions } from "./gateway.ts";
export { createIdempotency, type Idempotency, type IdempotencyOptions } from "./idempotency.ts";
export { type ApiKey, createKeys, type Keys } from "./keys.ts";
export { GATEWAY_MIGRATIONS } from "./migrations.ts";

export { createGateway, type Gateway, type GatewayModules, type GatewayOptions } from "./gateway.ts";
export { type ApiKey, createKeys, GATEWAY_MIGRATIONS, type Keys } from "./keys.ts";

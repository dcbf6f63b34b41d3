export { createGateway, type Gateway, type GatewayModules, type GatewayOptions } from "./gateway.ts";
export { createIdempotency, type Idempotency, type IdempotencyOptions } from "./idempotency.ts";
export { type ApiKey, createKeys, type Keys, type ListedKey } from "./keys.ts";
export { GATEWAY_MIGRATIONS } from "./migrations.ts";
export { createPassDesk, type PassDesk, type PassDeskModules } from "./passes.ts";
export { type Statement, type StatementLine, type StatementTotal, statementCsv, statementOf } from "./statement.ts";
export { createSeller, type Seller, type SellerModules, type SellerOptions } from "./x402/seller.ts";

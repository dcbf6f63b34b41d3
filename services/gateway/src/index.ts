export { type AdminServer, createAdminServer } from "./admin/admin-server.ts";
export { type Admission, createAdmission, type OwnSeats } from "./admission/admission.ts";
export { ownJournal } from "./admission/own-journal.ts";
export { BATCH_MIGRATIONS, type BatchStore, createBatchStore } from "./batches/batch-store.ts";
export { migrateShared } from "./database/migrations.ts";
export { openSharedDatabase, type SharedDatabase } from "./database/postgres.ts";
export { seatedBuyer } from "./database/seated-buyer.ts";
export { createSeats, type Seat, type Seats } from "./database/seats.ts";
export { sharedAccountStates } from "./database/shared-account-states.ts";
export { type SharedIdempotency, sharedIdempotency } from "./database/shared-idempotency.ts";
export { sharedKeys } from "./database/shared-keys.ts";
export { createGateway, type Gateway, type GatewayModules, type GatewayOptions } from "./gateway.ts";
export { createIdempotency, type Idempotency, type IdempotencyOptions } from "./idempotency.ts";
export { journalKeys } from "./journal-keys.ts";
export {
  type ApiKey,
  createKeys,
  type KeyChanges,
  type KeySettings,
  type Keys,
  keySettingsSchema,
  type ListedKey,
  SCOPES,
} from "./keys.ts";
export { localAccountStates } from "./limits/account-state.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { GATEWAY_MIGRATIONS } from "./migrations.ts";
export { createFeed, type Feed } from "./own/feed.ts";
export { createPassDesk, type PassDesk, type PassDeskModules } from "./passes.ts";
export { createResponseStore, RESPONSE_MIGRATIONS, type ResponseStore } from "./responses/response-store.ts";
export { type Statement, type StatementLine, type StatementTotal, statementCsv, statementOf } from "./statement.ts";
export { createSeller, type Seller, type SellerModules, type SellerOptions } from "./x402/seller.ts";

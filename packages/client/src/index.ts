export type { FinishedAttempt } from "./answering.ts";
export type { Ask, AskPass } from "./ask.ts";
export {
  type Answer,
  type AnswerHandlers,
  type Buyer,
  type BuyerModules,
  type BuyerOptions,
  createBuyer,
  type Taken,
} from "./buyer.ts";
export { BUYER_MIGRATIONS } from "./buyer-journal.ts";
export { type AccountTotals, LOST_ACCOUNT, type RequestsOf } from "./buyer-ledger.ts";
export type { BuyerChannel, BuyerChannelState, RequestState, StoredRequest } from "./buyer-rows.ts";
export type { ExitReport } from "./exits.ts";
export type { PeerHealth } from "./health.ts";
export { textIsKept } from "./kept-text.ts";
export { mostCost, mostPromptTokens } from "./price-limit.ts";
export { type Decision, type Policy, type Rejection, type RoutingState, route, serves } from "./route.ts";
export type { StatementQuery, StatementRow } from "./statement.ts";
export type { AttemptKind, RoutingAttempt, Story } from "./story.ts";

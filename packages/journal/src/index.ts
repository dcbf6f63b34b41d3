export { type ChangeLog, type ChangeLogEntry, restoreJournal } from "./change-log.ts";
export { type Journal, type JournalOptions, openJournal } from "./journal.ts";
export { fenced } from "./journal-errors.ts";
export { createOutbox, OUTBOX_MIGRATIONS } from "./outbox.ts";
export type { JournalParts } from "./parts.ts";
export {
  bytesColumn,
  countColumn,
  hexColumn,
  moneyColumn,
  type Row,
  textColumn,
  tokensBlob,
  tokensColumn,
} from "./row.ts";

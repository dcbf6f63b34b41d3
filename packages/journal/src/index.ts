export { type Journal, type JournalOptions, openJournal } from "./journal.ts";
export { bytesColumn, countColumn, hexColumn, moneyColumn, type Row, textColumn } from "./row.ts";

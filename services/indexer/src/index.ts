export { type Database, openEmbedded, openServer } from "./database.ts";
export { createIndexer, type Indexer, type IndexerModules, type IndexerOptions } from "./indexer.ts";

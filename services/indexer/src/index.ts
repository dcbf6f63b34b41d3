export { type Database, openEmbedded, openServer } from "./database.ts";
export type { SetAside } from "./decentralisation/measured-layer.ts";
export { createIndexer, type Indexer, type IndexerModules, type IndexerOptions } from "./indexer.ts";

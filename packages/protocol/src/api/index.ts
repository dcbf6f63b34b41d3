export * from "./console.ts";
export * from "./decentralisation.ts";
export * from "./economy.ts";
export * from "./endpoint.ts";
export * from "./gateway.ts";
export * from "./indexer.ts";
export * from "./version.ts";

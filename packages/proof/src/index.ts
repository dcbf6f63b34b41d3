export * from "./draw.ts";
export * from "./margin.ts";
export * from "./noise.ts";
export * from "./sampler.ts";
export * from "./seed.ts";
export * from "./selection.ts";
export * from "./transcript.ts";
export * from "./verdict.ts";

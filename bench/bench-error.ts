import { DepinferError } from "@depinfer/protocol";

/** A benchmark could not be run or its measurement means nothing. */
export class BenchError extends DepinferError {}

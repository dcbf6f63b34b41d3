import type { Log } from "@depinfer/protocol";

/** Structured log lines on standard error: one JSON object each, without prompts, answers or keys. */
export function createLog(service: string): Log {
  return (level, message, details = {}) => {
    const line = { at: new Date().toISOString(), level, service, message, ...details };
    process.stderr.write(
      `${JSON.stringify(line, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value))}\n`,
    );
  };
}

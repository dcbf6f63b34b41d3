/** Where a service tells what it does. Details are printable and never hold prompts, answers or keys. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  details?: Readonly<Record<string, unknown>>,
) => void;

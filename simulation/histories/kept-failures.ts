import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type History, LIES } from "./commands.ts";

/** Histories that failed once. They are replayed before any new one is tried. */
export const FAILURES_FILE = join(import.meta.dirname, "failures.json");

const wait = z.boolean();
const command = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("request"), cost: z.int(), end: z.enum(["answer", "fail", "cancel"]), wait }),
  z.strictObject({
    do: z.enum(["flush", "settle", "watch", "withdraw", "finish", "cut", "leave", "loseAnswer", "outage", "back"]),
    wait,
  }),
  z.strictObject({ do: z.literal("reorg"), blocks: z.int(), wait }),
  z.strictObject({ do: z.literal("wait"), seconds: z.int(), wait }),
  z.strictObject({
    do: z.literal("crash"),
    who: z.enum(["buyer", "provider"]),
    after: z.int(),
    powerLoss: z.boolean(),
    wait,
  }),
  z.strictObject({ do: z.literal("lie"), lie: z.enum(LIES), wait }),
]);
const histories = z.array(z.strictObject({ seed: z.int(), overcharge: z.int(), commands: z.array(command) }));

export function keptFailures(): readonly History[] {
  return histories.parse(JSON.parse(readFileSync(FAILURES_FILE, "utf8")));
}

import type { statementLineSchema } from "@depinfer/protocol/api";
import type { z } from "zod";
import type { readStatement, Work } from "./conditions.ts";

/** A line as it is sent: money is digits. */
type Line = z.input<typeof statementLineSchema>;
type Read = Awaited<ReturnType<typeof readStatement>>;

/**
 * Lines by hour or day, also those in which it was online and nothing was asked. A group has at most `width` ms, and what was
 * at work was online, whether or not this indexer looked.
 */
export function linesByTime({ slots, online, work }: Read, width: number): readonly Line[] {
  const byKey = new Map(work.map((one) => [one.key ?? "", one]));
  return [...new Set([...online.keys(), ...byKey.keys()])]
    .map(Number)
    .sort((a, b) => a - b)
    .map((start) => {
      const one = byKey.get(String(start));
      const msAtWork = Math.min(width, atWork(one, slots));
      const msOnline = Math.min(width, Math.max(online.get(String(start)) ?? 0, msAtWork));
      return { ...lineOf(new Date(start).toISOString(), one), msAtWork, msOnline };
    });
}

/** Lines by model: what was idle is divided in proportion to work, so that the lines add up to the whole. */
export function linesByModel({ slots, online, work }: Read): readonly Line[] {
  const total = work.reduce((sum, one) => sum + one.work, 0);
  const atWorkTogether = work.reduce((sum, one) => sum + atWork(one, slots), 0);
  const idle = Math.max(0, (online.get("") ?? 0) - atWorkTogether);
  let [sum, given] = [0, 0];
  return work
    .toSorted((a, b) => ((a.key ?? "") < (b.key ?? "") ? -1 : 1))
    .map((one) => {
      sum += one.work;
      const upTo = total === 0 ? 0 : Math.round((idle * sum) / total);
      const part = upTo - given;
      given = upTo;
      const msAtWork = atWork(one, slots);
      return { ...lineOf(one.key ?? "unknown", one), msAtWork, msOnline: msAtWork + part };
    });
}

function atWork(one: Work | undefined, slots: number): number {
  return Math.floor((one?.work ?? 0) / Math.max(1, slots));
}

function lineOf(key: string, one: Work | undefined) {
  return {
    key,
    requests: one?.requests ?? 0,
    promptTokens: one?.prompt ?? 0,
    outputTokens: one?.output ?? 0,
    paid: one?.paid ?? "0",
  };
}

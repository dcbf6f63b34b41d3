import { statementCsv } from "@depinfer/gateway";
import { formatUsd, type MicroUsd, microUsdSchema } from "@depinfer/protocol";
import { z } from "zod";
import { homePaths } from "../home.ts";
import { callControl } from "../service/control.ts";
import { printTable } from "../table.ts";

export interface KeyOptions {
  readonly home: string;
  readonly json: boolean;
}

const listed = z.array(
  z.object({
    name: z.string(),
    budget: microUsdSchema.nullable(),
    pass: z.string().nullable(),
    revoked: z.boolean(),
    spent: microUsdSchema,
    reserved: microUsdSchema,
  }),
);

/** `depinfer key create NAME`: makes an API key and shows it, once. */
export async function createKey(
  name: string,
  budget: MicroUsd | undefined,
  settings: KeyFlags,
  options: KeyOptions,
): Promise<void> {
  const asked = { name, budget: budget?.toString() ?? null, settings: settingsOf(settings) };
  const key = z.string().parse(await call(options, "createKey", asked));
  if (options.json) {
    console.log(JSON.stringify({ name, key, budget: budget?.toString() ?? null }));
    return;
  }
  console.log(key);
  console.error(
    `This is the only time that it is shown. Budget: ${budget === undefined ? "none" : formatUsd(budget)}.`,
  );
}

/** `depinfer key limit NAME`: changes what a key may do; what is not named stays. */
export async function limitKey(name: string, settings: KeyFlags, options: KeyOptions): Promise<void> {
  await call(options, "setSettings", { name, settings: settingsOf(settings) });
  tell(options, `${name} is changed; it counts from the next request on`);
}

/** Settings of a key as flags give them. */
export interface KeyFlags {
  readonly scope?: readonly string[] | undefined;
  /** Requests and tokens a minute, and requests at a time. */
  readonly rpm?: number | undefined;
  readonly tpm?: number | undefined;
  readonly concurrent?: number | undefined;
  /** Milliseconds since 1970. */
  readonly expires?: number | undefined;
  /** JSON. */
  readonly policy?: unknown;
}

function settingsOf({ scope, rpm, tpm, concurrent, expires, policy }: KeyFlags) {
  const limits = given({ requestsPerMinute: rpm, tokensPerMinute: tpm, concurrent });
  return given({
    scopes: scope,
    limits: Object.keys(limits).length === 0 ? undefined : limits,
    expiresAt: expires,
    policy,
  });
}

function given(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** `depinfer key list`: names, budgets and what was spent. */
export async function listKeys(options: KeyOptions): Promise<void> {
  const keys = listed.parse(await call(options, "listKeys"));
  if (options.json) {
    console.log(JSON.stringify(keys, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    return;
  }
  printTable(
    keys.map(({ name, budget, pass, revoked, spent, reserved }) => ({
      key: name,
      "paid by": pass === null ? "wallet" : `pass ${pass}`,
      spent: formatUsd(spent),
      "under way": formatUsd(reserved),
      budget: budget === null ? "none" : formatUsd(budget),
      state: revoked ? "revoked" : "active",
    })),
  );
}

/** `depinfer key budget NAME [DOLLARS]`: changes or lifts a budget; it counts from the next request on. */
export async function setBudget(name: string, budget: MicroUsd | undefined, options: KeyOptions): Promise<void> {
  await call(options, "setBudget", { name, budget: budget?.toString() ?? null });
  tell(options, `${name} may spend ${budget === undefined ? "without limit" : `${formatUsd(budget)} in all`}`);
}

/** `depinfer key revoke NAME`. */
export async function revokeKey(name: string, options: KeyOptions): Promise<void> {
  await call(options, "revokeKey", { name });
  tell(options, `the key of ${name} does not work any more; its history stays`);
}

const statement = z.object({
  since: z.string(),
  until: z.string(),
  lines: z.array(
    z.object({
      day: z.string(),
      account: z.string(),
      model: z.string(),
      provider: z.string(),
      pass: z.string().nullable(),
      requests: z.number(),
      promptTokens: z.number(),
      cachedTokens: z.number(),
      outputTokens: z.number(),
      cost: z.string(),
      costUsd: z.string(),
    }),
  ),
  total: z.object({
    requests: z.number(),
    promptTokens: z.number(),
    cachedTokens: z.number(),
    outputTokens: z.number(),
    cost: z.string(),
    costUsd: z.string(),
  }),
});

export interface StatementOptions extends KeyOptions {
  readonly account?: string | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly csv: boolean;
}

/** `depinfer statement`: what every key of this gateway bought, by day, model and provider. */
export async function showStatement({ account, since, until, csv, ...options }: StatementOptions): Promise<void> {
  const asked = Object.fromEntries(
    Object.entries({ account, since, until }).filter(([, value]) => value !== undefined),
  );
  const found = statement.parse(await call(options, "statement", asked));
  if (csv || options.json) {
    process.stdout.write(csv ? statementCsv(found) : `${JSON.stringify(found)}\n`);
    return;
  }
  printTable(
    found.lines.map(
      ({ day, account: key, model, provider, pass, requests, promptTokens, cachedTokens, outputTokens, costUsd }) => ({
        day,
        key,
        model,
        provider: `${provider.slice(0, 10)}…`,
        "paid by": pass === null ? "wallet" : `pass ${pass}`,
        requests,
        "tokens in": promptTokens,
        "of them cached": cachedTokens,
        "tokens out": outputTokens,
        cost: costUsd,
      }),
    ),
  );
  console.log(`Together ${found.total.costUsd} for ${found.total.requests} requests.`);
}

function call({ home }: KeyOptions, method: string, parameters?: unknown): Promise<unknown> {
  return callControl(homePaths(home).service("gateway"), method, parameters);
}

function tell({ json }: KeyOptions, text: string): void {
  console.log(json ? JSON.stringify({ done: text }) : text);
}

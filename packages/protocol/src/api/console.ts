import { z } from "zod";
import { addressSchema, bytes32Schema } from "../bytes.ts";
import { transcriptSchema } from "../messages.ts";
import { microUsdSchema } from "../money.ts";
import { runtimeClassSchema } from "../runtime-class.ts";
import { endpoint } from "./endpoint.ts";
import { gatewayReceiptSchema } from "./gateway.ts";
import { count, milliseconds, nothing, share } from "./values.ts";
import { versionSchema } from "./version.ts";

/*
 * What the process that serves the dashboard answers beside it, under `/api/` of the page's own origin. It runs on the
 * reader's machine: it verifies with the reader's processor and reads the reader's home. Pages of other hosts have none.
 */

/** `config.json` beside the page. Hosts of static files put their own there; every part may be missing then. */
export const consoleConfigSchema = z.object({
  gatewayUrl: z.string().nullish(),
  indexerUrl: z.string().nullish(),
  rpcUrl: z.string().nullish(),
  chainId: z.int().positive().nullish(),
  /** Addresses by the contracts' names: `channels`, `receiptLog`, `passes`, `testUsd` … */
  contracts: z.record(z.string(), addressSchema).nullish(),
  /** True for a network on the reader's own machine. */
  local: z.boolean().default(false),
  /** Key of a local test network. */
  apiKey: z.string().nullish(),
  /** True when this origin answers `/api/`. */
  console: z.boolean().default(false),
  /** True when money here is worth nothing. */
  testMoney: z.boolean().default(false),
  /** True when `/api/wallet` answers. */
  testWallet: z.boolean().default(false),
});
export type ConsoleConfig = z.output<typeof consoleConfigSchema>;

/** Body of `POST /api/verify`: an answer as `GET /v1/receipts/:id` of a gateway describes it. */
export const verifyBodySchema = z.strictObject({
  receipt: gatewayReceiptSchema
    .pick({ id: true, state: true, fault: true, model: true, provider: true, cost: true, receipt: true })
    .extend({ transcript: transcriptSchema.nullable(), runtimeClass: runtimeClassSchema.nullish() }),
});

/** The statistic of an answer; margins are in nats at the request's temperature, one for each position, in order. */
export const statisticSchema = z.object({
  tokens: count,
  informative: count,
  mismatches: count,
  meanMargin: z.number(),
  margins: z.array(z.number()),
});

/** What verification says in the end. */
export const verdictSchema = z.object({
  verdict: z.enum(["pass", "inconclusive", "fail"]),
  /** One sentence for people. */
  reason: z.string(),
  /** Bound on the chance that an honest answer looks at least this bad; null where nothing was scored. */
  pValue: z.number().nullable(),
  /** Chance that the weakest cheat that was measured would have passed too; null where unknown. */
  falsePass: z.number().nullable(),
  /** More informative tokens of this provider after which it would be judged; null where it is. */
  tokensNeeded: z.number().nullable(),
  receiptId: bytes32Schema,
  statistic: statisticSchema,
});

/** Data of the events of `POST /api/verify`, by the event's name; the stream ends after `verdict` or `error`. */
export const verifyEvents = {
  /** Others are verified first; so many. */
  queued: z.object({ ahead: count }),
  progress: z.object({
    phase: z.enum(["loading", "scoring"]),
    /** Positions scored so far, and how many there are. */
    scored: count,
    tokens: count,
  }),
  /** Margins of positions `from`, `from + 1` …, as they are known; every position comes once, in order. */
  margins: z.object({
    from: count,
    /** Nats, from 0 to the class's clip. */
    values: z.array(z.number().min(0)),
    /** Whether the position could have told a cheat from an honest provider. */
    informative: z.array(z.boolean()),
    /** Positions, counted from the answer's first token, whose margin is above 0. */
    mismatches: z.array(count),
  }),
  verdict: verdictSchema.extend({
    provider: z.string(),
    model: z.string(),
    milliseconds: z.number().min(0),
    /** What the margins are held against; null where they say nothing (other levels than seeded). */
    threshold: z
      .object({
        /** Nats; no position counts for more. */
        clip: z.number(),
        /** Mismatches per informative token that honest providers of the class have at most, and their mean margin. */
        honestMismatchRate: share,
        honestMeanMargin: z.number().min(0),
        /** Mismatches per informative token of the weakest cheat that was measured. */
        weakestCheatRate: share,
        /** An answer fails when an honest provider looks this bad with a chance of at most this. */
        falsePositiveRate: share,
        /** Informative tokens below which nothing is called a failure; null for a class that nobody calibrated. */
        minimumTokens: count.nullable(),
      })
      .nullable(),
  }),
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
} as const;
export type VerifyEventName = keyof typeof verifyEvents;

/** Units of one account in one place. Every unit is in exactly one position. */
export const moneyPositionSchema = z.object({
  service: z.string(),
  account: addressSchema,
  keeper: z.enum(["wallet", "channels", "stakeVault", "disputes", "passes"]),
  /** Where it is, for people. */
  place: z.string(),
  amount: microUsdSchema,
  /** Ms since 1970 from which it can be taken; null for now, or after a notice. */
  unlocksAt: milliseconds.nullable(),
  /** Seconds of notice that have to be given first; null for none, or once it was given. */
  noticeSeconds: count.nullable(),
  /** The command that frees it, or what it waits for. */
  frees: z.string(),
});

export const moneySchema = z.object({
  /** Units of all positions. */
  total: microUsdSchema,
  /** The chain's time, ms since 1970. */
  now: milliseconds,
  positions: z.array(moneyPositionSchema),
  /** What running services say of their channels; part of the positions above, not beside them. */
  promises: z.array(
    z.object({
      service: z.string(),
      channelId: bytes32Schema,
      /** The other party. */
      with: addressSchema,
      /** Units of the best voucher. */
      promised: microUsdSchema,
      /** Units delivered or reserved that no voucher covers. */
      inFlight: microUsdSchema,
      /** Units of the best voucher that are not claimed on chain. */
      unclaimed: microUsdSchema,
    }),
  ),
  /** Units that callers by x402 owe the gateway and that it has not claimed. */
  x402: microUsdSchema,
  /** Where all tokens of the deployment are. */
  supply: z.object({
    total: microUsdSchema,
    keepers: z.array(
      z.object({
        keeper: z.string(),
        held: microUsdSchema,
        /** Of `held`, units of the positions above. */
        ours: microUsdSchema,
        /** What the rest is, as the end of a sentence about so many dollars. */
        rest: z.string(),
      }),
    ),
  }),
});
export type Money = z.output<typeof moneySchema>;

const countsSchema = z.object({
  transcripts: count,
  tokens: count,
  informative: count,
  mismatches: count,
  /** Nats. */
  marginSum: z.number(),
  marginSquareSum: z.number(),
});

/** What was measured of a class, and the bounds that follow from it. */
export const calibrationViewSchema = z.object({
  classId: bytes32Schema,
  /** `shipped` with the project, or made on this machine, which goes first. */
  source: z.enum(["shipped", "local"]),
  runtimeClass: runtimeClassSchema,
  margin: z.object({ boundary: z.number(), clip: z.number(), deterministic: share }),
  honest: countsSchema,
  weakestCheat: z.object({ name: z.string(), counts: countsSchema }),
  /** p0: honest providers mismatch at most this often per informative token. */
  honestMismatchRate: share,
  /** mu0: and have at most this mean margin, in nats. */
  honestMeanMargin: z.number().min(0),
  weakestCheatRate: share,
  minimumTokens: count,
  /** Confidence of p0 and mu0. */
  confidence: share,
  falsePositiveRate: share,
  provenance: z.object({
    at: z.string(),
    machine: z.string(),
    tasks: z.string(),
    temperatures: z.array(z.number()),
    prompts: z.string(),
  }),
});
export type CalibrationView = z.output<typeof calibrationViewSchema>;

/** Benchmarks whose committed results are served. */
export const SERVED_BENCHMARKS = ["proof", "path", "gateway", "concentration"] as const;

/** Body of `POST /api/wallet`: a JSON-RPC request with a method of EIP-1193. */
export const walletRequestSchema = z.object({
  jsonrpc: z.literal("2.0").optional(),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string().max(64),
  params: z.union([z.array(z.json()), z.record(z.string(), z.json())]).optional(),
});

/** Its answer. Codes of errors are those of EIP-1193 and JSON-RPC. */
export const walletAnswerSchema = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]),
  result: z.json().optional(),
  error: z.object({ code: z.int(), message: z.string(), data: z.json().optional() }).optional(),
});

/** Methods of the local test wallet. */
export const WALLET_METHODS = [
  "eth_chainId",
  "eth_accounts",
  "eth_requestAccounts",
  "eth_blockNumber",
  "eth_getBalance",
  "eth_call",
  "eth_estimateGas",
  "eth_getTransactionReceipt",
  "eth_sendTransaction",
  "eth_signTypedData_v4",
] as const;
export type WalletMethod = (typeof WALLET_METHODS)[number];

export const consoleApi = {
  config: endpoint({
    method: "GET",
    path: "/config.json",
    summary: "Where the servers of this page are",
    query: nothing,
    answer: consoleConfigSchema,
  }),
  version: endpoint({
    method: "GET",
    path: "/api/version",
    summary: "Which API answers here, and the time there",
    query: nothing,
    answer: versionSchema("depinfer-console"),
  }),
  money: endpoint({
    method: "GET",
    path: "/api/money",
    summary: "Every unit of the services of this home, where it is, when it unlocks and what frees it",
    query: nothing,
    answer: moneySchema,
  }),
  calibrations: endpoint({
    method: "GET",
    path: "/api/calibrations",
    summary: "What was measured of runtime classes",
    query: nothing,
    answer: z.object({ data: z.array(calibrationViewSchema) }),
  }),
  benchmark: endpoint({
    method: "GET",
    path: "/api/benchmarks/:name",
    summary: "The committed results of a benchmark, as bench/README.md describes them",
    query: nothing,
    answer: z.looseObject({}),
  }),
  wallet: endpoint({
    method: "POST",
    path: "/api/wallet",
    summary: "The local test wallet, by EIP-1193",
    query: nothing,
    body: walletRequestSchema,
    answer: walletAnswerSchema,
  }),
} as const;

/** Where an answer is verified with this machine's processor, as a stream of `verifyEvents`; the body is `verifyBodySchema`. */
export const CONSOLE_VERIFY_PATH = "/api/verify";

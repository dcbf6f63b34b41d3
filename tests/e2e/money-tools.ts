import OpenAI from "openai";
import { expect, vi } from "vitest";
import { z } from "zod";
import { depinfer, rpc, type TestNetwork } from "./local-network.ts";

/* Money of a whole network, as its owner sees it through the command line. */

const units = z.string().transform(BigInt);
const whereSchema = z.object({
  total: units,
  positions: z.array(
    z.object({
      service: z.string(),
      keeper: z.string(),
      place: z.string(),
      amount: units,
      unlocksAt: z.number().optional(),
      frees: z.string(),
    }),
  ),
  supply: z.object({ total: units, keepers: z.array(z.object({ keeper: z.string(), held: units, ours: units })) }),
});
const tiersSchema = z.array(z.object({ id: z.string(), metadata: z.string() }));

export type Where = z.output<typeof whereSchema>;

export interface MoneyTools {
  readonly openai: OpenAI;
  readonly model: string;
  /** Runs a command that has to succeed; resolves with what it printed. */
  run(...args: readonly string[]): Promise<string>;
  where(): Promise<Where>;
  /** Units of a service in places whose name fits. */
  placeOf(service: string, place: RegExp): Promise<bigint>;
  ask(maxTokens: number): Promise<OpenAI.ChatCompletion>;
  /** Makes the chain's clock go on. */
  pass(seconds: number): Promise<void>;
  /** Sells a tier for $2 and returns its number. */
  sellPass(periodSeconds: number, quota: number): Promise<string>;
  /** Units that providers have claimed on the open channels of a pass. */
  paidByPass(id: bigint): Promise<bigint>;
}

export async function moneyTools(network: TestNetwork): Promise<MoneyTools> {
  const openai = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey, maxRetries: 0 });
  const model = (await openai.models.list()).data[0]?.id ?? "";
  const { chain } = network;

  async function run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await depinfer(...args, "--home", network.home);
    expect(code, `${args.join(" ")}: ${stderr}`).toBe(0);
    return stdout;
  }

  async function where(): Promise<Where> {
    return whereSchema.parse(JSON.parse(await run("money", "where", "--json")));
  }

  return {
    openai,
    model,
    run,
    where,
    async placeOf(service, place) {
      const { positions } = await where();
      return positions
        .filter((position) => position.service === service && place.test(position.place))
        .reduce((sum, { amount }) => sum + amount, 0n);
    },
    ask: (maxTokens) =>
      openai.chat.completions.create({
        model,
        messages: [{ role: "user", content: "Tell me a short story about a fox." }],
        max_tokens: maxTokens,
      }),
    async pass(seconds) {
      await rpc(chain.rpcUrl, "evm_increaseTime", [seconds]);
      await rpc(chain.rpcUrl, "evm_mine", []);
    },
    async sellPass(periodSeconds, quota) {
      const period = ["--seconds", String(periodSeconds), "--tokens", String(quota)];
      await run("pass", "sell", "--price", "2", ...period, "--description", "a test");
      const tiers = tiersSchema.parse(JSON.parse(await run("pass", "tiers", "--json")));
      return tiers.find(({ metadata }) => metadata.includes("a test"))?.id ?? "";
    },
    async paidByPass(id) {
      const channels = (await chain.passes.pass(id))?.channels ?? [];
      const states = await Promise.all(channels.map(({ config }) => chain.channels.state(chain.channels.idOf(config))));
      return states.reduce((sum, { settled }) => sum + settled, 0n);
    },
  };
}

/**
 * A pass from its purchase to its refund: used up, refused with the next step, renewed, cancelled. The network has not
 * sold a pass before.
 */
export async function passStory(
  { run, placeOf, ask, pass, paidByPass }: MoneyTools,
  tier: string,
  quota: number,
): Promise<void> {
  const wallet = await placeOf("gateway", /^wallet$/);
  expect(await run("pass", "buy", tier)).toContain("pass 1");
  expect(await placeOf("gateway", /^wallet$/)).toBe(wallet - 2_000_000n);

  const { served, refusal } = await useUp(ask);
  // Each channel keeps what one more request could cost at most; the rest of the quota can be used.
  expect(served, String(refusal)).toBeGreaterThan(quota * 0.5);
  expect(served).toBeLessThanOrEqual(quota);
  expect(refusal).toBeInstanceOf(OpenAI.APIError);
  expect(refusal).toMatchObject({ status: 402, code: expect.stringMatching(/^pass\.(quotaSpent|insufficient)$/) });
  expect(String(refusal)).toContain("renew");
  // The wallet paid for none of it.
  expect(await placeOf("gateway", /^wallet$/)).toBe(wallet - 2_000_000n);

  await run("pass", "renew", "1");
  expect((await ask(30)).usage?.total_tokens).toBeGreaterThan(0);

  await run("settle");
  const spent = await paidByPass(1n);
  expect(await run("pass", "cancel", "1")).toContain("come back");
  // A gateway looks at a pass every few seconds.
  await vi.waitFor(async () => expect(await ask(10).catch((error: unknown) => error)).toMatchObject({ status: 402 }), {
    timeout: 10_000,
    interval: 500,
  });
  await pass(61);
  await run("pass", "settle", "1");
  const refund = await placeOf("gateway", /^refunded by passes$/);
  // Two periods were paid and next to no time went by: what was not spent comes back, with its part of the fee.
  const [net, fee] = [3_800_000n, 200_000n];
  expect(refund).toBeLessThanOrEqual(net - spent + (fee * (net - spent)) / net);
  expect(refund).toBeGreaterThan(((net - spent) * 80n) / 100n);
  await run("claim", "--service", "gateway");
  expect(await placeOf("gateway", /^refunded by passes$/)).toBe(0n);
  await run("pass", "unuse");
  expect((await ask(10)).usage?.total_tokens).toBeGreaterThan(0);
}

async function useUp(ask: MoneyTools["ask"]): Promise<{ served: number; refusal: unknown }> {
  let served = 0;
  for (let request = 0; request < 200; request++) {
    try {
      served += (await ask(150)).usage?.total_tokens ?? 0;
    } catch (refusal) {
      return { served, refusal };
    }
  }
  return { served, refusal: null };
}

/** Every unit of the token is where the contracts say, and the sum is the supply. */
export function expectWhole({ supply, positions, total }: Where, initial: bigint): void {
  expect(supply.total).toBe(initial);
  const kept = (keeper: string) => supply.keepers.find((entry) => entry.keeper === keeper) ?? { held: -1n, ours: 0n };
  expect(kept("elsewhere").held).toBe(0n);
  // Every unit in escrow, in stake and in bonds is some service's.
  for (const keeper of ["channels", "stakeVault", "disputes"]) {
    expect(kept(keeper).held, keeper).toBe(kept(keeper).ours);
  }
  const commons = supply.keepers.reduce((sum, { held, ours }) => sum + held - ours, 0n);
  expect(total + commons).toBe(initial);
  expect(positions.reduce((sum, { amount }) => sum + amount, 0n)).toBe(total);
}

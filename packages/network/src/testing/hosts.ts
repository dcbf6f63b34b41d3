import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DepinferError } from "@depinfer/protocol";
import { createHost, type Host, type HostOptions, type Link } from "../index.ts";

export const QUIC = "/ip4/127.0.0.1/udp/0/quic-v1";
export const TCP = "/ip4/127.0.0.1/tcp/0";

/** A seed that is the same in every run. */
export function seedOf(name: string): Uint8Array {
  return createHash("sha256").update(`test node ${name}`).digest();
}

export interface TestHost extends Host {
  readonly problems: readonly DepinferError[];
}

/** Starts hosts and stops all of them afterwards. */
export interface TestHosts {
  start(name: string, options?: Partial<HostOptions>): Promise<TestHost>;
  stopAll(): Promise<void>;
}

export function createTestHosts(): TestHosts {
  const hosts: Host[] = [];
  return {
    async start(name, options = {}) {
      const problems: DepinferError[] = [];
      const host = createHost(
        { onProblem: (problem) => problems.push(problem) },
        { seed: seedOf(name), role: "test", discovery: false, ...options },
      );
      hosts.push(host);
      await host.start();
      return Object.assign(host, { problems });
    },
    async stopAll() {
      await Promise.all(hosts.splice(0).map((host) => host.stop()));
    },
  };
}

/** Waits until `condition` holds, or fails with `what` after `timeoutMs`. */
export async function until(what: string, condition: () => boolean, timeoutMs = 8000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`timed out after ${timeoutMs} ms waiting until ${what}`);
    }
    await sleep(5);
  }
}

/** The link from `a` to `b`, when both sides have it. */
export async function linkBetween(a: Host, b: Host): Promise<Link> {
  const link = await a.dial(b.addresses);
  await until("the other side has the link too", () => b.link(a.peerId) !== undefined);
  return link;
}

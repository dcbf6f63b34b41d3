import { type ChildProcess, fork } from "node:child_process";
import { utf8 } from "@depinfer/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { answerOf, describeOutcome } from "./testing/answers.ts";
import { createTestHosts, until } from "./testing/hosts.ts";

const hosts = createTestHosts();
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
  }
  await hosts.stopAll();
});

const readySchema = z.object({ peerId: z.string(), addresses: z.array(z.string()) });

interface PeerProcess extends z.output<typeof readySchema> {
  readonly child: ChildProcess;
}

async function startProcess(name: string, bootstrap: readonly string[] = []): Promise<PeerProcess> {
  const script = new URL("./testing/peer-process.ts", import.meta.url);
  const child = fork(script, [name, ...bootstrap], { execArgv: ["--conditions=source"] });
  children.push(child);
  const ready = await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the peer process exited with ${code} before it was ready`)));
  });
  return { child, ...readySchema.parse(ready) };
}

describe("peers in processes of their own", () => {
  it("link up among themselves and answer", async () => {
    const first = await startProcess("first");
    const second = await startProcess("second", first.addresses);
    const host = await hosts.start("host");
    for (const peer of [first, second]) {
      const link = await host.dial(peer.addresses);
      const { data } = await answerOf(link.open(utf8(`hello ${peer.peerId}`)));
      expect(data.toString()).toBe(`hello ${peer.peerId}`);
    }
  });

  it.each([
    ["killed without a word (kill -9)", "SIGKILL", "udp"],
    ["killed without a word (kill -9)", "SIGKILL", "tcp"],
    ["alive but hung", "SIGSTOP", "udp"],
    ["alive but hung", "SIGSTOP", "tcp"],
  ] as const)("are noticed within seconds when %s: %s over %s", async (_what, signal, transport) => {
    const peer = await startProcess("doomed");
    const host = await hosts.start("host", { pingIntervalMs: 500 });
    const link = await host.dial(peer.addresses.filter((address) => address.includes(`/${transport}/`)));
    const held = link.open(utf8("hold"));
    let outcome: string | undefined;
    held.onFrame(() => {});
    held.onClose((result) => {
      outcome = describeOutcome(result);
    });
    const { data } = await answerOf(link.open(utf8("alive?")));
    expect(data.toString()).toBe("alive?");
    const killedAt = performance.now();
    peer.child.kill(signal);
    await until("the request ended", () => outcome !== undefined, 6000);
    expect(outcome).toBe("failed: network.linkClosed");
    expect(performance.now() - killedAt).toBeLessThan(5000);
    expect(host.links()).toEqual([]);
  });

  it("come back under the same name and are linked again by who keeps them", async () => {
    const host = await hosts.start("host", { pingIntervalMs: 500 });
    const first = await startProcess("phoenix", host.addresses);
    await until("it is linked", () => host.link(first.peerId) !== undefined);
    const instance = host.link(first.peerId)?.remoteHello.instance;
    first.child.kill("SIGKILL");
    // It is back before the host noticed that it had gone: the new link replaces the dead one.
    const second = await startProcess("phoenix", host.addresses);
    expect(second.peerId).toBe(first.peerId);
    await until("the new process is linked", () => {
      const link = host.link(first.peerId);
      return link !== undefined && link.remoteHello.instance !== instance;
    });
    const link = await host.dial(second.peerId);
    expect((await answerOf(link.open(utf8("you again")))).data.toString()).toBe("you again");
    expect(host.links().length).toBe(1);
  });
});

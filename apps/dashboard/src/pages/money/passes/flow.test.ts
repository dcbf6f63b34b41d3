import { DepinferError, type Hex } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { createFlow, type Step } from "./flow.ts";

const CONTRACT = `0x${"0c".repeat(20)}` as const;
const fault = (code: string) => new DepinferError({ code, message: code, remedy: "" });

/** A chain whose sends and waits fail as they are told, in order, and then no more. */
function chainOf(faults: {
  readonly send?: readonly (DepinferError | null)[];
  readonly wait?: readonly (DepinferError | null)[];
}) {
  const sent: Hex[] = [];
  const left = { send: [...(faults.send ?? [])], wait: [...(faults.wait ?? [])] };
  return {
    sent,
    access: {
      async send({ data }: { readonly data: Hex }) {
        const failure = left.send.shift() ?? null;
        if (failure !== null) {
          throw failure;
        }
        sent.push(data);
        return `0x${String(sent.length).padStart(64, "0")}` as const;
      },
      async wait(hash: Hex) {
        const failure = left.wait.shift() ?? null;
        if (failure !== null) {
          throw failure;
        }
        return { hash, gasUsed: 50_000n, logs: [] };
      },
    },
  };
}

function step(id: string, data: Hex): Step {
  return {
    id,
    title: id,
    signs: "",
    costs: null,
    estimate: null,
    run: async ({ transact }) => void (await transact({ to: CONTRACT, data })),
  };
}

const STEPS = [step("approve", "0xaa"), step("buy", "0xbb")];
const statuses = (flow: ReturnType<typeof createFlow>) => flow.states().map(({ status }) => status);

test("steps run one after the other and keep their transactions", async () => {
  const { access, sent } = chainOf({});
  const flow = createFlow(access, STEPS);
  const seen: string[] = [];
  flow.subscribe(() => seen.push(statuses(flow).join(" ")));
  await flow.run();
  expect(sent).toEqual(["0xaa", "0xbb"]);
  expect([...new Set(seen)]).toEqual([
    "asking waiting",
    "pending waiting",
    "done waiting",
    "done asking",
    "done pending",
    "done done",
  ]);
  expect(flow.states()[1]).toMatchObject({ gasUsed: 50_000n, transaction: `0x${"2".padStart(64, "0")}` });
});

test("a step that was declined is tried again, and those before it are not", async () => {
  const { access, sent } = chainOf({ send: [null, fault("wallet.rejected")] });
  const flow = createFlow(access, STEPS);
  await flow.run();
  expect(statuses(flow)).toEqual(["done", "failed"]);
  expect(flow.states()[1]?.fault?.code).toBe("wallet.rejected");
  await flow.run();
  expect(statuses(flow)).toEqual(["done", "done"]);
  expect(flow.states()[1]?.fault).toBeNull();
  expect(sent).toEqual(["0xaa", "0xbb"]);
});

test("a transaction that takes too long is waited for again and not sent again", async () => {
  const { access, sent } = chainOf({ wait: [fault("wallet.pendingTooLong"), fault("wallet.offline")] });
  const flow = createFlow(access, STEPS);
  await flow.run();
  await flow.run();
  expect(statuses(flow)).toEqual(["failed", "waiting"]);
  await flow.run();
  expect(statuses(flow)).toEqual(["done", "done"]);
  expect(sent).toEqual(["0xaa", "0xbb"]);
});

test("a transaction that the contract refused is sent anew", async () => {
  const { access, sent } = chainOf({ wait: [null, fault("wallet.reverted")] });
  const flow = createFlow(access, STEPS);
  await flow.run();
  expect(flow.states()[1]).toMatchObject({ status: "failed", transaction: null });
  await flow.run();
  expect(statuses(flow)).toEqual(["done", "done"]);
  expect(sent).toEqual(["0xaa", "0xbb", "0xbb"]);
});

test("pressing twice sends once", async () => {
  const { access, sent } = chainOf({});
  const flow = createFlow(access, STEPS);
  await Promise.all([flow.run(), flow.run()]);
  await flow.run();
  expect(sent).toEqual(["0xaa", "0xbb"]);
});

test("what nobody foresaw is an error of the step, not of the page", async () => {
  const broken: Step = { ...step("broken", "0xcc"), run: () => Promise.reject(new TypeError("oops")) };
  const flow = createFlow(chainOf({}).access, [broken]);
  await flow.run();
  expect(flow.states()[0]).toMatchObject({ status: "failed", fault: { code: "page.failed" } });
});

import type { Hex } from "@depinfer/protocol";
import { useQuery } from "@tanstack/react-query";
import { dateTime } from "../../../format/time.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { Fact, Facts, Money, useNow } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Answered, Empty } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import type { ChainPass } from "../wallet/contracts.ts";
import type { Trade } from "./plans.ts";

/** A pass of the connected wallet as the contract has it now. */
export interface HeldPass extends ChainPass {
  readonly id: bigint;
  /** Units, if it were cancelled in the newest block. */
  readonly refundable: bigint;
  readonly channels: number;
  /** Units that were put into those. */
  readonly funded: bigint;
  /** Units that one more period costs. */
  readonly price: bigint;
}

export type PassDeal = "use" | "renew" | "cancel" | "refund";

const EVERY_MS = 2_000;
/** Newest; of a holder of more the command line tells the rest. */
const MOST = 20;

/** Reads the passes of the wallet from the contract itself, newest first. */
export function useHeldPasses(trade: Trade | null) {
  return useQuery({
    queryKey: ["wallet passes", trade?.access.account ?? null],
    queryFn: async () => (trade === null ? [] : readHeld(trade)),
    enabled: trade !== null,
    refetchInterval: EVERY_MS,
  });
}

async function readHeld({ access, contracts: { passes }, encoding: { read } }: Trade): Promise<readonly HeldPass[]> {
  const ids = await access.read(passes, read.passesOf(access.account));
  return Promise.all(
    ids
      .toReversed()
      .slice(0, MOST)
      .map(async (id) => {
        const [pass, refundable, channels] = await Promise.all([
          access.read(passes, read.pass(id)),
          access.read(passes, read.refundable(id), "pending"),
          access.read(passes, read.channels(id)),
        ]);
        const { price } = await access.read(passes, read.tier(pass.tier));
        return { ...pass, id, refundable, channels: channels.count, funded: channels.funded, price };
      }),
  );
}

/** Passes of the wallet, and what can be done with each. */
export function HeldPasses({
  query,
  bound,
  operator,
  busy,
  onDeal,
}: {
  readonly query: ReturnType<typeof useHeldPasses>;
  /** The pass that pays for this key. */
  readonly bound: bigint | null;
  /** The gateway's wallet, which a pass names if it can be used here. */
  readonly operator: Hex | null;
  readonly busy: boolean;
  readonly onDeal: (kind: PassDeal, pass: HeldPass) => void;
}) {
  return (
    <Panel title="Your passes" note="read from the contract, by your wallet">
      <Answered query={query} lines={4} what="your passes">
        {(passes) =>
          passes.length === 0 ? (
            <Empty title="This wallet holds no pass">
              <span>Choose one of those on sale.</span>
            </Empty>
          ) : (
            <div className={styles.cards}>
              {passes.map((pass) => (
                <PassCard
                  key={pass.id.toString()}
                  pass={pass}
                  isBound={pass.id === bound}
                  usable={operator !== null}
                  busy={busy}
                  onDeal={(kind) => onDeal(kind, pass)}
                />
              ))}
            </div>
          )
        }
      </Answered>
    </Panel>
  );
}

function PassCard({
  pass,
  isBound,
  usable,
  busy,
  onDeal,
}: {
  readonly pass: HeldPass;
  readonly isBound: boolean;
  readonly usable: boolean;
  readonly busy: boolean;
  readonly onDeal: (kind: PassDeal) => void;
}) {
  const { id, settled, endedAt, end, refundable, channels, funded, tier } = pass;
  const over = useNow() >= end * 1_000;
  const ended = endedAt !== 0;
  const state = settled ? "settled" : ended ? "ending" : over ? "expired" : "active";
  return (
    <article className={styles.card}>
      <h3>
        Pass {id.toString()} <Badge tone={state === "active" ? "proof" : "unsure"}>{state}</Badge>
        {isBound && <Badge tone="info">pays for this key</Badge>}
      </h3>
      <Facts>
        <Fact label="Tier">{tier.toString()}</Fact>
        <Fact label={over || ended ? "Ended" : "Ends"}>{dateTime((ended ? endedAt : end) * 1_000)}</Fact>
        {!settled && (
          <Fact
            label={ended ? "Refund at least" : "Refund now"}
            explain="What the contract says of the next block, if its channels were all spent. What comes back of them can add to it."
          >
            <Money units={refundable} />
          </Fact>
        )}
        {channels > 0 && (
          <Fact label="In channels">
            <Money units={funded} /> in {channels}
          </Fact>
        )}
      </Facts>
      <div className={styles.actions}>
        {!ended && !over && !isBound && (
          <Button small kind="primary" disabled={busy || !usable} onClick={() => onDeal("use")}>
            Use for this key
          </Button>
        )}
        {!ended && (
          <Button small disabled={busy} onClick={() => onDeal("renew")}>
            Renew
          </Button>
        )}
        {!ended && (
          <Button small kind="danger" disabled={busy} onClick={() => onDeal("cancel")}>
            Cancel…
          </Button>
        )}
        {ended && !settled && (
          <Button small kind="primary" disabled={busy} onClick={() => onDeal("refund")}>
            Finish the refund
          </Button>
        )}
        {settled && <span className={styles.small}>Everything of it is worked out.</span>}
      </div>
    </article>
  );
}

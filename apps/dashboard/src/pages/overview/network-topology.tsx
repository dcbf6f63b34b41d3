import { indexerApi, indexerEvents, type Provider } from "@depinfer/protocol/api";
import { useMemo, useState } from "react";
import { type NetworkEvent, useEachEvent } from "../../api/live.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plural, shortId } from "../../format/number.ts";
import { Answered, Empty } from "../../ui/state.tsx";
import { type Pulse, Topology } from "./topology.tsx";
import type { TopologyNode } from "./topology-layout.ts";

/** More do not fit into the drawing; those that earned most are shown. */
const MOST_PROVIDERS = 21;
const MOST_VALIDATORS = 6;
/** Lights that may be under way at once. */
const MOST_PULSES = 40;

/** The network's nodes from the indexer, and a light for each event between two of them. */
export function NetworkTopology() {
  const providers = useEndpoint("indexer", indexerApi.providers, {
    query: { sort: "receipts", order: "desc", limit: MOST_PROVIDERS },
  });
  const validators = useEndpoint("indexer", indexerApi.validators, { query: { limit: MOST_VALIDATORS } });
  const [pulses, setPulses] = useState<readonly Pulse[]>([]);
  useEachEvent((event) => {
    const pulse = pulseOf(event);
    if (pulse !== null) {
      setPulses((before) => [...before.slice(1 - MOST_PULSES), pulse]);
    }
  });
  const checkers = validators.data?.data;
  const nodes = useMemo<readonly TopologyNode[]>(
    () => [
      {
        id: "gateway",
        role: "gateway",
        label: "gateway",
        about: "The gateway that this page uses",
        online: true,
        to: null,
      },
      ...(providers.data?.data ?? []).map(providerNode),
      ...(checkers ?? []).map(
        ({ validator, active }, index): TopologyNode => ({
          id: validator,
          role: "validator",
          label: `validator ${index + 1}`,
          about: `Validator ${validator}`,
          online: active,
          to: `/explorer/validator/${validator}`,
        }),
      ),
      { id: "chain", role: "chain", label: "chain", about: "Money, roots and verdicts", online: true, to: "/explorer" },
    ],
    [providers.data, checkers],
  );
  return (
    <Answered query={providers} lines={8} what="the nodes">
      {({ data, next }) =>
        data.length === 0 ? (
          <Empty title="No provider has registered yet">
            <p>Anyone can: npx depinfer node</p>
          </Empty>
        ) : (
          <>
            <Topology nodes={nodes} pulses={pulses} />
            {next !== null && <p>The {MOST_PROVIDERS} that answered most are drawn.</p>}
          </>
        )
      }
    </Answered>
  );
}

function providerNode({ provider, online, receipts, models, adversary }: Provider): TopologyNode {
  const what = models.length === 0 ? "no model on offer" : models.slice(0, 3).join(", ").slice(0, 80);
  return {
    id: provider,
    role: "provider",
    label: adversary === null ? shortId(provider).slice(0, 6) : "adversary",
    about: `Provider ${provider}: ${plural(receipts, "answer")}, ${what}${adversary === null ? "" : `; TEST ADVERSARY: ${adversary.slice(0, 64)}`}`,
    online,
    to: `/market/providers/${provider}`,
  };
}

/** Between whom an event happened; null for one that is not drawn. */
function pulseOf({ kind, key, data }: NetworkEvent): Pulse | null {
  if (kind === "receipt") {
    const parsed = indexerEvents.receipt.safeParse(data);
    return parsed.success ? { key, from: "gateway", to: parsed.data.receipt.receipt.provider, tone: "info" } : null;
  }
  if (kind === "audit") {
    const parsed = indexerEvents.audit.safeParse(data);
    return parsed.success
      ? {
          key,
          from: parsed.data.validator,
          to: parsed.data.provider,
          tone: parsed.data.verdict === "fail" ? "fail" : "proof",
        }
      : null;
  }
  if (kind === "settlement") {
    const parsed = indexerEvents.settlement.safeParse(data);
    return parsed.success && parsed.data.provider !== null
      ? { key, from: parsed.data.provider, to: "chain", tone: "money" }
      : null;
  }
  if (kind === "dispute") {
    const parsed = indexerEvents.dispute.safeParse(data);
    return parsed.success ? { key, from: parsed.data.accused, to: "chain", tone: "fail" } : null;
  }
  return null;
}

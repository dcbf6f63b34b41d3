import { PROOF_LEVELS } from "@depinfer/protocol";
import { indexerApi, type ListedOffer } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { Link } from "react-router";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { parseUsd, usd } from "../../format/money.ts";
import { count, shortId } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Filters, Select, TextField } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import styles from "./market.module.css";

/** All that there are are asked for once and filtered here, so that filters answer at once. */
const MOST = 10_000;

const COLUMNS: readonly Column<ListedOffer>[] = [
  {
    key: "model",
    title: "Model",
    width: "minmax(11rem, 2fr)",
    sort: ({ offer }) => offer.model,
    render: ({ offer }) => (
      <span className={styles.clip} title={offer.model}>
        {offer.model.slice(0, 120)}
      </span>
    ),
  },
  {
    key: "provider",
    title: "Provider",
    sort: ({ offer }) => offer.provider,
    render: ({ offer }) => <Link to={`/market/providers/${offer.provider}`}>{shortId(offer.provider)}</Link>,
  },
  {
    key: "output",
    title: "Output",
    explain: "Dollars for a million output tokens.",
    end: true,
    sort: ({ offer }) => offer.prices.outputPerMillion,
    render: ({ offer }) => usd(offer.prices.outputPerMillion),
  },
  {
    key: "input",
    title: "Input",
    explain: "Dollars for a million input tokens that the provider has not cached.",
    end: true,
    sort: ({ offer }) => offer.prices.inputPerMillion,
    render: ({ offer }) => usd(offer.prices.inputPerMillion),
  },
  {
    key: "cached",
    title: "Cached",
    explain: "Dollars for a million input tokens that the provider still had from a request before.",
    end: true,
    sort: ({ offer }) => offer.prices.cachedInputPerMillion,
    render: ({ offer }) => usd(offer.prices.cachedInputPerMillion),
  },
  {
    key: "proof",
    title: "Proof",
    sort: ({ offer }) => PROOF_LEVELS.indexOf(offer.proofLevel),
    render: ({ offer }) => (
      <Badge tone={offer.proofLevel === "none" || offer.proofLevel === "attested-SIMULATED" ? "unsure" : "proof"}>
        {offer.proofLevel}
      </Badge>
    ),
  },
  {
    key: "slots",
    title: "Free slots",
    explain: "Requests that it could take when it signed this offer, of those that it serves at once.",
    end: true,
    sort: ({ offer }) => offer.idleSlots,
    render: ({ offer }) => `${count(offer.idleSlots)} / ${count(offer.slots)}`,
  },
  {
    key: "context",
    title: "Context",
    end: true,
    sort: ({ offer }) => offer.contextLength,
    render: ({ offer }) => count(offer.contextLength),
  },
  {
    key: "region",
    title: "Region",
    explain: "Declared by the provider, not proven.",
    sort: ({ offer }) => offer.region,
    render: ({ offer }) => offer.region.slice(0, 64),
  },
  {
    key: "state",
    title: "State",
    sort: ({ online }) => Number(online),
    render: ({ online, offer }) =>
      offer.adversary === undefined ? (
        <Badge tone={online ? "proof" : "plain"} dot>
          {online ? "online" : "expired"}
        </Badge>
      ) : (
        <Badge tone="fail">test adversary</Badge>
      ),
  },
];

/** Every offer that was heard, to filter and sort. What is chosen stands in the URL. */
export function OfferTable() {
  const query = useEndpoint("indexer", indexerApi.offers, { query: { limit: MOST } });
  const [model, setModel] = useUrlState("model", "");
  const [region, setRegion] = useUrlState("region", "");
  const [proof, setProof] = useUrlState("proof", "");
  const [most, setMost] = useUrlState("most", "");
  const limit = parseUsd(most);
  const rows = query.data?.data;
  const shown = useMemo(() => {
    const wanted = model.toLowerCase();
    return (rows ?? []).filter(
      ({ offer }) =>
        offer.model.toLowerCase().includes(wanted) &&
        (region === "" || offer.region === region) &&
        (proof === "" || offer.proofLevel === proof) &&
        (limit === null || offer.prices.outputPerMillion <= limit),
    );
  }, [rows, model, region, proof, limit]);
  const regions = useMemo(() => [...new Set((rows ?? []).map(({ offer }) => offer.region))].sort(), [rows]);
  return (
    <Panel
      title="Offers"
      explain="Each is signed by its node and lasts minutes; a provider that vanishes is forgotten soon."
    >
      <Filters>
        <TextField
          label="Model contains"
          value={model}
          maxLength={256}
          onChange={({ target }) => setModel(target.value)}
        />
        <Select
          label="Region"
          value={region}
          choices={[{ value: "", label: "any" }, ...regions.map((value) => ({ value, label: value }))]}
          onChange={setRegion}
        />
        <Select
          label="Proof level"
          value={proof}
          choices={[{ value: "", label: "any" }, ...PROOF_LEVELS.map((value) => ({ value, label: value }))]}
          onChange={setProof}
        />
        <TextField
          label="Output at most, $ per 1M"
          inputMode="decimal"
          value={most}
          fault={most !== "" && limit === null ? "Give dollars, like 0.25" : null}
          onChange={({ target }) => setMost(target.value)}
        />
      </Filters>
      <Answered query={query} lines={10} what="offers">
        {({ next }) =>
          shown.length === 0 ? (
            <Empty title={rows?.length === 0 ? "Nobody offers anything at present" : "No offer satisfies all of this"}>
              <p>
                {rows?.length === 0
                  ? "Offers appear here seconds after a provider starts."
                  : "Take something back: the price, the region, the level of proof or the name."}
              </p>
            </Empty>
          ) : (
            <DataTable
              name="offers"
              label="Offers"
              columns={COLUMNS}
              rows={shown}
              rowKey={({ offer }) => `${offer.peerId} ${offer.classId} ${offer.model}`}
              initialSort="output"
              {...(next === null ? {} : { foot: `only the first ${count(MOST)} are looked at` })}
            />
          )
        }
      </Answered>
    </Panel>
  );
}

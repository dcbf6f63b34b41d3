import { type CSSProperties, useId, useState } from "react";
import { Link } from "react-router";
import type { Tone } from "../../format/proof.ts";
import styles from "./topology.module.css";
import { layOut, type PlacedNode, type TopologyNode } from "./topology-layout.ts";

/** Something that travelled from one node to another; drawn once. */
export interface Pulse {
  readonly key: number | string;
  readonly from: string;
  readonly to: string;
  readonly tone: Extract<Tone, "info" | "proof" | "money" | "fail">;
}

const LEGEND: readonly (readonly [Pulse["tone"], string])[] = [
  ["info", "an answer"],
  ["proof", "an audit that passed"],
  ["fail", "an audit that failed, or a dispute"],
  ["money", "a settlement"],
];

const RADIUS = 11;

/** Who takes part, and what happens between them as it happens. The lists of the page tell the same in words. */
export function Topology({
  nodes,
  pulses,
}: {
  readonly nodes: readonly TopologyNode[];
  readonly pulses: readonly Pulse[];
}) {
  const { width, height, nodes: placed } = layOut(nodes);
  const title = useId();
  const byId = new Map(placed.map((node) => [node.id, node]));
  const providers = placed.filter(({ role }) => role === "provider");
  const chain = placed.find(({ role }) => role === "chain");
  const edges = providers.flatMap((provider) => [
    ...placed
      .filter(({ role }) => role === "gateway" || role === "validator")
      .map((other) => [other, provider] as const),
    ...(chain === undefined ? [] : [[provider, chain] as const]),
  ]);
  return (
    <div className={styles.figure}>
      <svg className={styles.drawing} viewBox={`0 0 ${width} ${height}`} aria-labelledby={title}>
        <title id={title}>The nodes of the network: gateways, providers, validators and the chain</title>
        {edges.map(([from, to]) => (
          <path key={`${from.id} ${to.id}`} className={styles.edge} d={curve(from, to)} />
        ))}
        {pulses.map(({ key, from, to, tone }) => {
          const start = byId.get(from);
          const end = byId.get(to);
          return start === undefined || end === undefined ? null : (
            <Travelling key={key} start={start} end={end} tone={tone} />
          );
        })}
        {placed.map((node) => (
          <Node key={node.id} node={node} />
        ))}
      </svg>
      <p className={styles.legend}>
        {LEGEND.map(([tone, text]) => (
          <span key={tone}>
            <i style={{ background: `var(--${tone})` }} aria-hidden="true" />
            {text}
          </span>
        ))}
      </p>
    </div>
  );
}

function Travelling({
  start,
  end,
  tone,
}: {
  readonly start: PlacedNode;
  readonly end: PlacedNode;
  readonly tone: Pulse["tone"];
}) {
  const [gone, setGone] = useState(false);
  const far: CSSProperties & Readonly<Record<"--far", string>> = {
    "--far": `-${Math.round(Math.hypot(start.x - end.x, start.y - end.y) * 1.1)}px`,
    stroke: `var(--${tone})`,
  };
  return gone ? null : (
    <path className={styles.pulse} style={far} d={curve(start, end)} onAnimationEnd={() => setGone(true)} />
  );
}

function curve(from: PlacedNode, to: PlacedNode): string {
  if (to.role === "chain" || from.role === "chain") {
    return `M ${from.x} ${from.y} L ${to.x} ${to.y}`;
  }
  const middle = (from.x + to.x) / 2;
  return `M ${from.x} ${from.y} C ${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
}

function Node({ node }: { readonly node: PlacedNode }) {
  const { id, role, label, about, online, to, x, y } = node;
  const body = (
    <>
      <title>{about}</title>
      {role === "chain" ? (
        <rect x={x - 60} y={y - 12} width="120" height="24" rx="6" />
      ) : (
        <circle cx={x} cy={y} r={RADIUS} />
      )}
      {role === "chain" ? (
        <text x={x} y={y + 4} textAnchor="middle">
          {label}
        </text>
      ) : (
        <text x={x} y={y + RADIUS + 14} textAnchor="middle">
          {label}
        </text>
      )}
    </>
  );
  return (
    <g className={`${styles.node} ${styles[role]} ${online ? "" : styles.offline}`} data-node={id}>
      {to === null ? body : <Link to={to}>{body}</Link>}
    </g>
  );
}

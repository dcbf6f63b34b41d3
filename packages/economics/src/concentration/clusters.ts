/*
 * Who is behind the names. Anyone can have many identities, so figures over identities say little; figures over clusters
 * are a lower bound on concentration, since evidence can be hidden. Both are always shown, with the evidence.
 */

/** What is publicly known of one identity. */
export interface Identity {
  readonly id: string;
  /** Account that its earnings go to. */
  readonly payout?: string;
  /** Owner that it declares itself. */
  readonly owner?: string;
  /** Network that it is reached in: an autonomous system, or a prefix of its address. */
  readonly network?: string;
  /** Unix seconds at which it came or went, ascending. */
  readonly transitions?: readonly number[];
}

/** Why identities are taken for one entity. */
export interface Evidence {
  readonly kind: "payout" | "owner" | "network and timing";
  /** What they share, for people. */
  readonly value: string;
  readonly ids: readonly string[];
}

export interface Cluster {
  /** The first of its identities, in the order given. */
  readonly id: string;
  readonly ids: readonly string[];
  /** Empty for an identity that stands alone. */
  readonly evidence: readonly Evidence[];
}

export interface ClusterOptions {
  /** Seconds within which two came or went together. */
  readonly window?: number;
  /** Comings and goings together, below which chance is not excluded. */
  readonly least?: number;
  /** Part of the fewer comings and goings of the two that have to be together. */
  readonly share?: number;
}

/**
 * Joins identities that share a payout account, a declared owner, or both a network and the times at which they came and
 * went: many share a network, and many start on the hour, but few do both again and again.
 */
export function clusterIdentities(
  identities: readonly Identity[],
  { window = 5, least = 3, share = 0.8 }: ClusterOptions = {},
): readonly Cluster[] {
  const parent = identities.map((_, index) => index);
  const found: { readonly of: number; readonly evidence: Evidence }[] = [];

  function rootOf(index: number): number {
    let root = index;
    while (parent[root] !== undefined && parent[root] !== root) {
      root = parent[root] ?? root;
    }
    parent[index] = root;
    return root;
  }

  function join(members: readonly number[], kind: Evidence["kind"], value: string): void {
    const [first, ...rest] = members;
    if (first === undefined || rest.length === 0) {
      return;
    }
    found.push({ of: first, evidence: { kind, value, ids: members.map((index) => identities[index]?.id ?? "") } });
    for (const other of rest) {
      const [a, b] = [rootOf(first), rootOf(other)];
      // The earlier one leads, so that the same identities always give the same names.
      parent[Math.max(a, b)] = Math.min(a, b);
    }
  }

  for (const [payout, members] of groupBy(identities, ({ payout }) => payout)) {
    join(members, "payout", payout);
  }
  for (const [owner, members] of groupBy(identities, ({ owner }) => owner)) {
    join(members, "owner", owner);
  }
  // Who came and went too seldom can be together with nobody, and is most of them.
  const restless = ({ network, transitions = [] }: Identity) => (transitions.length < least ? undefined : network);
  for (const [network, members] of groupBy(identities, restless)) {
    for (const [position, a] of members.entries()) {
      for (const b of members.slice(position + 1)) {
        const [one, two] = [identities[a]?.transitions ?? [], identities[b]?.transitions ?? []];
        const together = coincidences(one, two, window);
        if (together >= least && together >= share * Math.min(one.length, two.length)) {
          join([a, b], "network and timing", `${network}, ${together} times together`);
        }
      }
    }
  }

  const clusters = new Map<number, { readonly ids: string[]; readonly evidence: Evidence[] }>();
  for (const [index, { id }] of identities.entries()) {
    const root = rootOf(index);
    const cluster = clusters.get(root) ?? { ids: [], evidence: [] };
    cluster.ids.push(id);
    clusters.set(root, cluster);
  }
  for (const { of, evidence } of found) {
    clusters.get(rootOf(of))?.evidence.push(evidence);
  }
  return [...clusters.values()].map(({ ids, evidence }) => ({ id: ids[0] ?? "", ids, evidence }));
}

/** What clusters have together. Amounts of identities that are in no cluster are left out. */
export function amountsOfClusters(
  clusters: readonly Cluster[],
  amounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(clusters.map(({ id, ids }) => [id, ids.reduce((sum, member) => sum + (amounts.get(member) ?? 0), 0)]));
}

/** Pairs of times at most `window` apart, each time used once. */
function coincidences(one: readonly number[], two: readonly number[], window: number): number {
  let [i, j, together] = [0, 0, 0];
  while (i < one.length && j < two.length) {
    const difference = (one[i] ?? 0) - (two[j] ?? 0);
    if (Math.abs(difference) <= window) {
      together += 1;
      i += 1;
      j += 1;
    } else if (difference < 0) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return together;
}

function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string | undefined,
): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (key !== undefined) {
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, [index]);
      } else {
        group.push(index);
      }
    }
  }
  return groups;
}

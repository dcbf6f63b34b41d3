/*
 * The layers of the network's index: what a few could hold up. Which of them can be measured depends on who measures; a
 * layer that nobody measured is named beside the figure, not left out in silence.
 *
 * A target says how many independent controllers would be enough, so that more of them raise the score no further. Those of
 * revenue and capacity are what the simulated market reaches with an undetected whale (`bench concentration`); the others are
 * judgements, here to be disputed.
 */

export interface LayerDefinition {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** What is added up, and whose. */
  readonly counts: string;
  /** T: controllers that would be enough. */
  readonly target: number;
  /** What makes it less concentrated. */
  readonly remedy: string;
}

export const LAYERS = [
  {
    name: "revenue",
    title: "Providers' revenue",
    counts: "what buyers were charged under posted receipts, by the providers' owners",
    target: 100,
    remedy: "More owners who serve what is asked for; policies that do not name a provider",
  },
  {
    name: "capacity",
    title: "Capacity",
    counts: "slots on offer, at most those with stake behind them, by the providers' owners",
    target: 100,
    remedy: "More owners with stake behind slots",
  },
  {
    name: "votes",
    title: "Effective votes",
    counts: "votes that could be cast, by who casts them",
    target: 100,
    remedy: "Members who vote; holders who delegate to many",
  },
  {
    name: "holdings",
    title: "Holdings",
    counts: "tokens, by holder",
    target: 100,
    remedy: "Distribution to those who work for the network",
  },
  {
    name: "networks",
    title: "Network operators",
    counts: "slots that can be reached from outside, by the network that their addresses are in",
    target: 10,
    remedy: "Providers in other data centres and at home",
  },
  {
    name: "regions",
    title: "Regions",
    counts: "slots that can be reached from outside, by declared region",
    target: 8,
    remedy: "Providers in other regions",
  },
  {
    name: "engines",
    title: "Engines",
    counts: "slots on offer, by the engine that computes",
    target: 4,
    remedy: "Providers that compute with another engine",
  },
  {
    name: "gateways",
    title: "Gateways' traffic",
    counts: "what buyers were charged under posted receipts, by the account that paid",
    target: 20,
    remedy: "Apps that run a gateway of their own, or buy from another one",
  },
  {
    name: "commits",
    title: "Commits",
    counts: "changes to the software, by author",
    target: 10,
    remedy: "More people who write it, and a second implementation",
  },
  {
    name: "keys",
    title: "Upgrade keys",
    counts: "keys that can change a contract",
    target: 7,
    remedy: "Contracts that nobody can change",
  },
] as const satisfies readonly LayerDefinition[];

export type LayerName = (typeof LAYERS)[number]["name"];

import type { SearchHit } from "@depinfer/protocol/api";

/** What has a page of its own. */
export type Kind = SearchHit["kind"];

interface KindOfThing {
  /** For one, as a heading. */
  readonly title: string;
  /** For several, above hits of a search. */
  readonly titles: string;
  readonly form: RegExp;
  /** What an id of it looks like. */
  readonly looks: string;
  /** Why there may be none with an id that looks right. */
  readonly absent: string;
}

const ADDRESS = /^0x[0-9a-f]{40}$/;
const BYTES32 = /^0x[0-9a-f]{64}$/;
const ADDRESS_LOOKS = "0x and 40 hexadecimal digits";
const BYTES32_LOOKS = "0x and 64 hexadecimal digits";

/** Every kind, in the order in which hits are shown. */
export const KINDS: Readonly<Record<Kind, KindOfThing>> = {
  receipt: {
    title: "Receipt",
    titles: "Receipts",
    form: BYTES32,
    looks: BYTES32_LOOKS,
    absent:
      "A receipt appears when its provider posts the epoch that it belongs to, mostly within a minute or two. This page looks again by itself.",
  },
  request: {
    title: "Request",
    titles: "Requests",
    form: BYTES32,
    looks: BYTES32_LOOKS,
    absent:
      "Requests are not public. What the network knows of one is its receipt, which appears when its provider posts the epoch that it belongs to. This page looks again by itself.",
  },
  provider: {
    title: "Provider",
    titles: "Providers",
    form: ADDRESS,
    looks: ADDRESS_LOOKS,
    absent: "An account becomes a provider by registering with a stake.",
  },
  validator: {
    title: "Validator",
    titles: "Validators",
    form: ADDRESS,
    looks: ADDRESS_LOOKS,
    absent: "An account becomes a validator by registering with a stake.",
  },
  account: {
    title: "Account",
    titles: "Accounts",
    form: ADDRESS,
    looks: ADDRESS_LOOKS,
    absent: "An account appears here once it registered, opened a channel or bought a pass; others are not indexed.",
  },
  channel: {
    title: "Channel",
    titles: "Channels",
    form: BYTES32,
    looks: BYTES32_LOOKS,
    absent: "A channel appears when the transaction that opens it is in a block.",
  },
  epoch: {
    title: "Epoch",
    titles: "Epochs",
    form: /^0x[0-9a-f]{40}\/\d{1,15}$/,
    looks: "a provider's account, a slash and the epoch's number",
    absent: "An epoch appears when its provider posts the root over its receipts. Each provider counts its own.",
  },
  tx: {
    title: "Transaction",
    titles: "Transactions",
    form: BYTES32,
    looks: BYTES32_LOOKS,
    absent:
      "Only transactions that did something in the network's contracts are indexed, and only once they are in a block.",
  },
  block: {
    title: "Block",
    titles: "Blocks",
    form: /^\d{1,15}$/,
    looks: "a whole number",
    absent: "The chain may not have come so far, or the indexer not yet.",
  },
  dispute: {
    title: "Dispute",
    titles: "Disputes",
    form: BYTES32,
    looks: BYTES32_LOOKS,
    absent: "A dispute appears when somebody opens it on the chain with a bond.",
  },
  pass: {
    title: "Pass",
    titles: "Passes",
    form: /^[1-9]\d{0,38}$/,
    looks: "a whole number from 1 on",
    absent: "Passes are counted as they are bought; this one was not yet.",
  },
  model: {
    title: "Model",
    titles: "Models",
    form: /^[\s\S]{1,256}$/,
    looks: "a name, as its providers give it",
    absent: "A model appears while somebody offers it, and stays as long as the indexer remembers its offers.",
  },
  class: {
    title: "Runtime class",
    titles: "Runtime classes",
    form: BYTES32,
    looks: BYTES32_LOOKS,
    absent: "A class appears when somebody offers a model in it.",
  },
};

export const KIND_LIST = Object.keys(KINDS).filter(isKind);

export function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

/** Place of the page about something; the slash in an epoch's id stays one. */
export function placeOf(kind: Kind, id: string): string {
  return kind === "epoch" ? `/explorer/epoch/${id}` : `/explorer/${kind}/${encodeURIComponent(id)}`;
}

/** What a place asks for. */
export type Place =
  | { readonly at: "search" }
  | { readonly at: "thing" | "badId"; readonly kind: Kind; readonly id: string }
  | { readonly at: "badKind"; readonly kind: string };

/** Reads what stands behind the `#`: links come from anywhere, cut off or mistyped. */
export function readPlace(pathname: string): Place {
  const [, , kind, ...rest] = pathname.split("/").map(decoded);
  if (kind === undefined || kind === "") {
    return { at: "search" };
  }
  if (!isKind(kind)) {
    return { at: "badKind", kind };
  }
  const given = rest.join("/").trim();
  const id = kind === "model" ? given : given.toLowerCase();
  return { at: KINDS[kind].form.test(id) ? "thing" : "badId", kind, id };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

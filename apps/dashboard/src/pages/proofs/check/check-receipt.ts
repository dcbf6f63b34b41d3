import { seedCommitment, seedOfAnswer, textHash, transcriptRoot } from "@depinfer/proof";
import {
  costDown,
  type DomainBinding,
  decodeRequest,
  errorMessage,
  fromHex,
  type Hex,
  merkleVerify,
  parseBody,
  type Request,
  receiptDigest,
  requestHash,
  type SignedReceipt,
  type Transcript,
  toHex,
} from "@depinfer/protocol";
import { recoverAccount } from "./recover-account.ts";

/** What a receipt is held against. What is null is not known, and its steps are left open. */
export interface CheckInput {
  readonly signed: SignedReceipt;
  /** Chain and ReceiptLog address that receipts are signed for. */
  readonly binding: DomainBinding | null;
  /** The key that the provider has registered. */
  readonly receiptKey: Hex | null;
  readonly transcript: Transcript | null;
  /** The opening, and the root as the chain has it. */
  readonly opening: { readonly siblings: readonly Hex[]; readonly root: Hex } | null;
}

export type StepName = "signature" | "opening" | "request" | "terms" | "seed" | "tokens" | "text" | "cost";

/** One thing that was checked. */
export interface Step {
  readonly name: StepName;
  readonly outcome: "holds" | "fails" | "open";
  /** What was found, or what is missing. */
  readonly detail: string;
}

/**
 * Everything of a receipt that needs no weights: signature, opening, request, seed, tokens, text and cost, in the order
 * of `specs/05-receipt.md`. Each step stands for itself, so that a receipt that was tampered with fails where it was.
 */
export function checkReceipt(input: CheckInput): readonly Step[] {
  const request = input.transcript === null ? null : openRequest(input.transcript);
  return [
    step("signature", () => checkSignature(input)),
    step("opening", () => checkOpening(input)),
    step("request", () => checkRequest(input, request)),
    step("terms", () => checkTerms(input, request)),
    step("seed", () => checkSeed(input, request)),
    step("tokens", () => checkTokens(input)),
    step("text", () => checkText(input)),
    step("cost", () => checkCost(input, request)),
  ];
}

type Finding = Omit<Step, "name">;

const holds = (detail: string): Finding => ({ outcome: "holds", detail });
const fails = (detail: string): Finding => ({ outcome: "fails", detail });
const open = (detail: string): Finding => ({ outcome: "open", detail });

/** What cannot even be read fails its step. */
function step(name: StepName, work: () => Finding): Step {
  try {
    return { name, ...work() };
  } catch (error) {
    return { name, ...fails(errorMessage(error)) };
  }
}

interface Opened {
  readonly bytes: Uint8Array;
  readonly request: Request;
}

function openRequest({ request }: Transcript): Opened | Error {
  try {
    const bytes = Uint8Array.from(atob(request), (character) => character.charCodeAt(0));
    return { bytes, request: decodeRequest(bytes) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const NO_TRANSCRIPT =
  "The transcript is with who asked, and with the answer's auditors; open the receipt with your key";

function checkSignature({ signed, binding, receiptKey }: CheckInput): Finding {
  if (binding === null || receiptKey === null) {
    return open("The provider's registered key is not known here");
  }
  const signer = recoverAccount(receiptDigest(signed.receipt, binding), signed.signature);
  return signer === receiptKey
    ? holds(`Signed by ${receiptKey}, which ${signed.receipt.provider} has registered`)
    : fails(`Signed by ${signer ?? "no key at all"}, the registered key is ${receiptKey}`);
}

function checkOpening({ signed, binding, opening }: CheckInput): Finding {
  if (opening === null || binding === null) {
    return open("Its epoch's root is not on the chain yet, or not known here");
  }
  const leaf = receiptDigest(signed.receipt, binding);
  const siblings = opening.siblings.map((sibling) => fromHex(sibling, 32));
  return merkleVerify(leaf, siblings, fromHex(opening.root, 32))
    ? holds(
        siblings.length === 0
          ? `It is the only receipt of its epoch, so its digest ${toHex(leaf)} is the root`
          : `${siblings.length} hashes lead from the receipt's digest ${toHex(leaf)} to the root ${opening.root}`,
      )
    : fails(`The opening does not lead to the root ${opening.root}`);
}

function requireOpened(opened: Opened | Error | null): Opened | null {
  if (opened instanceof Error) {
    throw opened;
  }
  return opened;
}

function checkRequest({ signed }: CheckInput, found: Opened | Error | null): Finding {
  const opened = requireOpened(found);
  if (opened === null) {
    return open(NO_TRANSCRIPT);
  }
  const hash = requestHash(opened.bytes);
  return hash === signed.receipt.requestHash
    ? holds(`${opened.bytes.length} bytes of prompt, settings and terms hash to ${hash}`)
    : fails(`The request hashes to ${hash}, the receipt says ${signed.receipt.requestHash}`);
}

function checkTerms({ signed: { receipt } }: CheckInput, found: Opened | Error | null): Finding {
  const opened = requireOpened(found);
  if (opened === null) {
    return open(NO_TRANSCRIPT);
  }
  const { requestId, classId, channelId, maxOutputTokens } = opened.request.terms;
  const faults = [
    ...(requestId === receipt.requestId ? [] : [`request ${requestId}`]),
    ...(classId === receipt.classId ? [] : [`class ${classId}`]),
    ...(channelId === receipt.channelId ? [] : [`channel ${channelId}`]),
    ...(receipt.outputTokens <= maxOutputTokens ? [] : [`at most ${maxOutputTokens} tokens`]),
  ];
  return faults.length === 0
    ? holds("Request, class, channel and length are those that were asked for")
    : fails(`The buyer asked for ${faults.join(", ")}`);
}

function checkSeed({ signed: { receipt }, transcript }: CheckInput, found: Opened | Error | null): Finding {
  const opened = requireOpened(found);
  if (opened === null || transcript === null) {
    return open(NO_TRANSCRIPT);
  }
  const { terms, body } = opened.request;
  const { generation } = parseBody(terms.endpoint, body);
  const commitment = seedCommitment(seedOfAnswer(terms, transcript.providerNonce, generation.seed));
  return commitment === receipt.seedCommitment
    ? holds(
        generation.seed === null
          ? "Both sides' numbers give the seed that the provider was bound to"
          : `The app's seed ${generation.seed} gives the seed that the provider was bound to`,
      )
    : fails(`These numbers give ${commitment}, the receipt says ${receipt.seedCommitment}`);
}

function checkTokens({ signed: { receipt }, transcript }: CheckInput): Finding {
  if (transcript === null) {
    return open(NO_TRANSCRIPT);
  }
  const root = transcriptRoot(transcript.outputTokens);
  if (transcript.outputTokens.length !== receipt.outputTokens) {
    return fails(`There are ${transcript.outputTokens.length} tokens, the receipt says ${receipt.outputTokens}`);
  }
  return root === receipt.transcriptRoot
    ? holds(`${receipt.outputTokens} tokens have the root ${root}`)
    : fails(`The tokens have the root ${root}, the receipt says ${receipt.transcriptRoot}`);
}

function checkText({ signed: { receipt }, transcript }: CheckInput): Finding {
  if (transcript === null) {
    return open(NO_TRANSCRIPT);
  }
  const hash = textHash(transcript.text);
  return hash === receipt.textHash
    ? holds(`${transcript.text.length} characters hash to ${hash}`)
    : fails(`The text hashes to ${hash}, the receipt says ${receipt.textHash}`);
}

function checkCost({ signed: { receipt } }: CheckInput, found: Opened | Error | null): Finding {
  const opened = requireOpened(found);
  if (opened === null) {
    return open(NO_TRANSCRIPT);
  }
  const cost = costDown(receipt, opened.request.terms.prices);
  return cost === receipt.cost
    ? holds(`${receipt.promptTokens} and ${receipt.outputTokens} tokens at the agreed prices cost ${cost} units`)
    : fails(`At the agreed prices it costs ${cost} units, the receipt says ${receipt.cost}`);
}

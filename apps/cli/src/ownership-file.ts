import { readFileSync } from "node:fs";
import { type Deployment, recoverAddress, type Signer } from "@depinfer/chain";
import {
  DepinferError,
  errorMessage,
  type Hex,
  type Ownership,
  ownershipDigest,
  ownershipSchema,
} from "@depinfer/protocol";
import { writeWhole } from "./network-file.ts";

/** The registry that an owner's word is bound to. */
interface Registered {
  readonly chainId: number;
  readonly addresses: Pick<Deployment["addresses"], "providerRegistry">;
}

/** An owner's word that `operator` is theirs. */
export function signOwnership(owner: Signer, operator: Hex, deployment: Registered): Ownership {
  return { owner: owner.address, signature: owner.sign(ownershipDigest(operator, bindingOf(deployment))) };
}

export function writeOwnership(path: string, ownership: Ownership): Promise<void> {
  return writeWhole(path, `${JSON.stringify(ownership, null, 2)}\n`);
}

/** @throws DepinferError `ownership.unreadable` or `ownership.wrong`: for another operator, network or owner. */
export function readOwnership(path: string, operator: Hex, deployment: Registered): Ownership {
  let ownership: Ownership;
  try {
    ownership = ownershipSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new DepinferError({
      code: "ownership.unreadable",
      message: `${path} holds no owner's word: ${errorMessage(cause)}`,
      remedy: "Make it with `depinfer own OPERATOR --key-file FILE`",
      metadata: { path },
      cause,
    });
  }
  if (signerOf(ownership, operator, deployment) !== ownership.owner) {
    throw new DepinferError({
      code: "ownership.wrong",
      message: `${path} is not signed by ${ownership.owner} for ${operator} on this network`,
      remedy: `Let the owner sign again: depinfer own ${operator} --key-file FILE`,
      metadata: { path, operator, owner: ownership.owner },
    });
  }
  return ownership;
}

/** Null where no key could have made the signature. */
function signerOf({ signature }: Ownership, operator: Hex, deployment: Registered): Hex | null {
  try {
    return recoverAddress(ownershipDigest(operator, bindingOf(deployment)), signature);
  } catch {
    return null;
  }
}

function bindingOf({ chainId, addresses }: Registered) {
  return { chainId, verifyingContract: addresses.providerRegistry };
}

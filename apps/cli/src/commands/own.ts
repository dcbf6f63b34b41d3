import { createSigner } from "@depinfer/chain";
import { addressSchema, DepinferError } from "@depinfer/protocol";
import { readNetworkFile } from "../network-file.ts";
import { signOwnership, writeOwnership } from "../ownership-file.ts";
import { readKey } from "../up/remote-chain.ts";

export interface OwnOptions {
  readonly keyFile: string;
  readonly networkFile: string;
  /** Where the word goes; standard output when left out. */
  readonly out?: string | undefined;
}

/** `depinfer own OPERATOR`: the owner signs that an operator is theirs. @throws DepinferError `ownership.badOperator`. */
export async function ownCommand(reference: string, { keyFile, networkFile, out }: OwnOptions): Promise<void> {
  const operator = addressSchema.safeParse(reference);
  if (!operator.success) {
    throw new DepinferError({
      code: "ownership.badOperator",
      message: `${JSON.stringify(reference)} is no operator's account`,
      remedy: "Pass an account as `depinfer providers` shows it, 0x and 40 digits",
      metadata: { reference },
    });
  }
  const { deployment } = readNetworkFile(networkFile);
  const ownership = signOwnership(createSigner(readKey(keyFile)), operator.data, deployment);
  if (out === undefined) {
    console.log(JSON.stringify(ownership, null, 2));
    return;
  }
  await writeOwnership(out, ownership);
  console.error(`${ownership.owner} owns ${operator.data}: pass --ownership ${out} to its node.`);
}

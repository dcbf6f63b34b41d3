import { DepinferError } from "@depinfer/protocol";

/* Why a pass does not pay for a request. Each says what its holder can do next. */

const NEXT = "upgrade it with `depinfer pass upgrade`, or pay per use with a key that has no pass";

export function quotaSpent(pass: bigint, granted: bigint, left: bigint, wanted: bigint): DepinferError {
  return new DepinferError({
    code: "pass.quotaSpent",
    message:
      left > 0n
        ? `Pass ${pass} has ${left} of its ${granted} tokens left, and this request may use ${wanted}`
        : `Pass ${pass} has used its ${granted} tokens`,
    remedy: `${left > 0n ? "Ask for fewer tokens with max_tokens, renew" : "Renew"} the pass with \`depinfer pass renew ${pass}\`, ${NEXT}`,
    metadata: { pass: pass.toString(), granted: granted.toString(), left: left.toString(), wanted: wanted.toString() },
  });
}

export function notActive(pass: bigint, status: string): DepinferError {
  return new DepinferError({
    code: status === "expired" ? "pass.expired" : "pass.notActive",
    message: `Pass ${pass} is ${status}`,
    remedy:
      status === "expired"
        ? `Renew it with \`depinfer pass renew ${pass}\`, or pay per use with a key that has no pass`
        : "Buy another pass with `depinfer pass buy`, or pay per use with a key that has no pass",
    metadata: { pass: pass.toString(), status },
  });
}

export function notOurs(pass: bigint): DepinferError {
  return new DepinferError({
    code: "pass.notOurs",
    message: `Pass ${pass} is not set up for this gateway: another account funds its channels or signs for them`,
    remedy:
      "Let its holder call setOperator of the Passes contract with this gateway's wallet and session key, or pay per use",
    metadata: { pass: pass.toString() },
  });
}

export function otherModel(pass: bigint, model: string): DepinferError {
  return new DepinferError({
    code: "pass.otherModel",
    message: `Pass ${pass} is not for the model ${JSON.stringify(model)}`,
    remedy: "Ask for a model of the pass, which `depinfer pass tiers` lists, or pay per use with another key",
    metadata: { pass: pass.toString(), param: "model" },
  });
}

export function rateLimited(pass: bigint, perMinute: number, retryAfterSeconds: number): DepinferError {
  return new DepinferError({
    code: "pass.rateLimited",
    message: `Pass ${pass} allows ${perMinute} requests per minute`,
    remedy: `Try again in ${retryAfterSeconds} seconds`,
    metadata: { pass: pass.toString(), perMinute, retryAfterSeconds },
    retryable: true,
  });
}

export function badSignature(pass: bigint, cause: unknown): DepinferError {
  return new DepinferError({
    code: "pass.badSignature",
    message: `No account can have made this signature for pass ${pass}`,
    remedy: "Sign the typed data UsePass with the holder's wallet, and send the 65 bytes as they are",
    metadata: { pass: pass.toString(), param: "signature" },
    cause,
  });
}

export function notHolder(pass: bigint, signedBy: string): DepinferError {
  return new DepinferError({
    code: "pass.notHolder",
    message: `Pass ${pass} is not held by ${signedBy}, which the signature is of; another message, key or gateway was signed for, or by another account`,
    remedy: "Sign for this pass, this key and this gateway with the account that holds the pass",
    metadata: { pass: pass.toString(), signedBy },
  });
}

/** A gateway without a chain to look passes up. */
export function noPasses(pass: bigint): DepinferError {
  return new DepinferError({
    code: "pass.notOurs",
    message: `This gateway cannot spend pass ${pass}: it knows no passes`,
    remedy: "Unbind the pass from the key, or use a gateway of a network with passes",
    metadata: { pass: pass.toString() },
  });
}

/** The pass has another holder than the one who let it pay for a key. */
export function handedOver(pass: bigint): DepinferError {
  return new DepinferError({
    code: "pass.handedOver",
    message: `Pass ${pass} was handed over by the account that let it pay for this key`,
    remedy: "Let its new holder sign for the key, or take the pass off the key to pay per use",
    metadata: { pass: pass.toString() },
  });
}

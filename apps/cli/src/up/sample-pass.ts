import { createChain, type Deployment } from "@depinfer/chain";
import { encodeTier } from "@depinfer/protocol";
import { openIdentity } from "../identity.ts";

/** $2 a day for ten million tokens: $0.19 per million to providers, as dear as the test model's answers. */
const SAMPLE = {
  price: 2_000_000n,
  periodSeconds: 86_400,
  quota: 10_000_000n,
  requestsPerMinute: 120,
  ...encodeTier({ description: "A day of test tokens", models: [] }),
};

/** Gives a local network one tier of passes to try, sold by its gateway, unless there is one. */
export async function offerSamplePass(
  { rpcUrl, deployment }: { readonly rpcUrl: string; readonly deployment: Deployment },
  gatewayFolder: string,
  passphrase: string,
): Promise<void> {
  const { wallet } = await openIdentity(gatewayFolder, passphrase);
  const chain = createChain({ rpcUrl, deployment, account: wallet });
  if ((await chain.passes.tiers()).length === 0) {
    await chain.passes.createTier(SAMPLE);
  }
}

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Anvil,
  type Chain,
  createChain,
  createSigner,
  type Deployment,
  deployContracts,
  startAnvil,
} from "@depinfer/chain";
import { createEvmAccount, type EvmAccount } from "@depinfer/chain/evm-account";
import { createSeller, type Seller, type SellerOptions } from "@depinfer/gateway";
import { type Hex, microUsd, toHex } from "@depinfer/protocol";
import { x402Client, x402HTTPClient } from "@x402/core/client";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { wrapFetchWithPayment } from "@x402/fetch";
import { startTestGateway, type TestGateway } from "../../services/gateway/src/test-gateway.ts";

/*
 * A gateway that sells by x402 on a real chain with the real contracts. Only the buyer behind it is a stand-in, which
 * does what each test says.
 */

export interface Shop {
  readonly anvil: Anvil;
  readonly chain: Chain;
  readonly deployment: Deployment;
  /** The wallet that is paid. */
  readonly payTo: Hex;
  readonly running: TestGateway;
  readonly seller: () => Seller;
  /** A client of the reference implementation with a fresh, funded wallet, which pays at once or by a channel. */
  payer(funds?: bigint, by?: "exact" | "channel"): Promise<Payer>;
  balance(owner: Hex): Promise<bigint>;
  stop(): Promise<void>;
}

export interface Payer {
  readonly address: Hex;
  readonly chain: Chain;
  readonly account: EvmAccount;
  readonly http: x402HTTPClient;
  readonly channels: BatchSettlementEvmScheme;
  /** Pays by another channel of the same wallet. */
  channel(salt: Hex): typeof fetch;
  readonly fetch: typeof fetch;
}

export async function startShop(
  options: Partial<SellerOptions> = {},
  prepare?: (rpcUrl: string) => Promise<void>,
): Promise<Shop> {
  const home = await mkdtemp(join(tmpdir(), "depinfer-x402-"));
  const anvil = await startAnvil({ home, blockTimeSeconds: 1 });
  const { rpcUrl } = anvil;
  const wallet = createSigner(anvil.key(0));
  const deployment = await deployContracts({ rpcUrl, account: wallet }, { minWithdrawDelay: 1 });
  await prepare?.(rpcUrl);
  const chain = createChain({ rpcUrl, deployment, account: wallet });
  let seller: Seller | undefined;
  const running = await startTestGateway({}, async (journal, { buyer }) => {
    await seller?.stop();
    seller = await createSeller(
      { buyer, journal, account: createEvmAccount({ rpcUrl, deployment, account: wallet }), log: () => undefined },
      {
        chainId: deployment.chainId,
        token: deployment.addresses.testUsd,
        settlementFee: microUsd(0),
        ...options,
      },
    );
    return { seller };
  });
  return {
    anvil,
    chain,
    deployment,
    payTo: wallet.address,
    running,
    seller() {
      if (seller === undefined) {
        throw new Error("the gateway has not started");
      }
      return seller;
    },
    async payer(funds = 10_000_000n, by = "exact") {
      const signer = createSigner(toHex(randomBytes(32)));
      // No gas: whoever pays by x402 only signs.
      await chain.usd.mint(signer.address, funds);
      const account = createEvmAccount({ rpcUrl, deployment, account: signer });
      const channels = new BatchSettlementEvmScheme(account);
      const client = new x402Client()
        .register("eip155:*", by === "exact" ? new ExactEvmScheme(account) : channels)
        .setSpendControls(false);
      const http = new x402HTTPClient(client);
      return {
        address: signer.address,
        chain: createChain({ rpcUrl, deployment, account: signer }),
        account,
        http,
        channels,
        channel: (salt) =>
          wrapFetchWithPayment(
            fetch,
            new x402Client()
              .register("eip155:*", new BatchSettlementEvmScheme(account, { salt }))
              .setSpendControls(false),
          ),
        fetch: wrapFetchWithPayment(fetch, http),
      };
    },
    balance: (owner) => chain.usd.balanceOf(owner),
    async stop() {
      await running.stop();
      await anvil.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

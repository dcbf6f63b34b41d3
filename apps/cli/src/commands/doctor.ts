import { existsSync, statSync } from "node:fs";
import { createChain, signerImplementation } from "@depinfer/chain";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { z } from "zod";
import { createClient, readAccess } from "../gateway-client.ts";
import { embeddedModels, homePaths } from "../home.ts";
import { readNetworkFile } from "../network-file.ts";

interface Check {
  readonly name: string;
  /** What was found, or a thrown error that says what to do. */
  readonly run: () => Promise<string> | string;
}

/** `depinfer doctor`: one line for each thing that has to work, and one fix for each that does not. */
export async function doctor(home: string, json: boolean): Promise<number> {
  const results: { name: string; ok: boolean; text: string }[] = [];
  for (const { name, run } of checks(home)) {
    try {
      results.push({ name, ok: true, text: await run() });
    } catch (error) {
      results.push({ name, ok: false, text: error instanceof DepinferError ? error.describe() : errorMessage(error) });
    }
  }
  if (json) {
    console.log(JSON.stringify(results));
  } else {
    for (const { name, ok, text } of results) {
      console.log(`${ok ? "✓" : "✗"} ${name}: ${text}`);
    }
  }
  return results.every(({ ok }) => ok) ? 0 : 1;
}

function checks(home: string): readonly Check[] {
  const paths = homePaths(home);
  return [
    { name: "Node", run: () => process.versions.node },
    {
      name: "signatures",
      run: () =>
        signerImplementation === "native"
          ? "native secp256k1"
          : `${signerImplementation} secp256k1, slower than the native one: run \`npm rebuild secp256k1\``,
    },
    { name: "embedded model", run: () => `${(statSync(embeddedModels.tiny).size / 1e6).toFixed(1)} MB` },
    { name: "home", run: () => (existsSync(home) ? home : `${home} does not exist yet; \`npm start\` makes it`) },
    {
      name: "chain",
      async run() {
        const chain = createChain(readNetworkFile(paths.network));
        await chain.check();
        return `${chain.rpcUrl}, block ${await chain.blockNumber()}`;
      },
    },
    {
      name: "gateway",
      async run() {
        const access = readAccess(home);
        const { data } = await createClient(access).get("/v1/offers", z.object({ data: z.array(z.unknown()) }));
        return `${access.url}, ${data.length} offers`;
      },
    },
  ];
}

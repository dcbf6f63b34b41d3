import { formatUsd } from "@depinfer/protocol";
import { z } from "zod";
import { type LocalNetwork, type NetworkOptions, startNetwork } from "../up/network.ts";
import { createSteps } from "../up/steps.ts";

const models = z.object({ data: z.array(z.object({ id: z.string() })) });

/** `depinfer up`: a whole network until Ctrl-C. */
export async function up(options: NetworkOptions): Promise<void> {
  const steps = createSteps();
  const started = performance.now();
  console.error("Depinfer: starting a whole network on this machine. Money is test money without value.");
  const ended = untilSignal();
  const starting = startNetwork(options, steps);
  const network = await Promise.race([starting, ended.then(() => null)]);
  if (network === null) {
    // Asked to stop while starting: whatever is there by then is taken down again.
    await starting.then(({ stop }) => stop()).catch(() => undefined);
    return;
  }
  try {
    await Promise.race([network.complete, ended]);
    console.error(`Ready in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);
    console.error(await banner(network, options));
    await ended;
    console.error("\nStopping. State is kept; `npm start` goes on where this ended.");
  } finally {
    await network.stop();
  }
}

/** Resolves at the first Ctrl-C or SIGTERM; the second one ends the process at once. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.once("SIGINT", () => process.exit(130));
      resolve();
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    process.once("SIGHUP", stop);
  });
}

async function banner(
  { url, apiKey, adminUrl, adminTokenFile, indexerUrl, dashboardUrl, rpcUrl, gateway }: LocalNetwork,
  options: NetworkOptions,
): Promise<string> {
  const { data } = await gateway.get("/v1/models", models);
  const model = data[0]?.id ?? "depinfer-tiny";
  const lines = [
    ...(dashboardUrl === null ? [] : [`  Begin here, in a browser     ${dashboardUrl}`, ""]),
    `  OpenAI-compatible endpoint   ${url}/v1`,
    `  test API key                 ${apiKey}`,
    `  model                        ${model}${options.model === undefined && options.upstream === undefined ? "   (a tiny test model; --model path.gguf runs a real one)" : ""}`,
    `  owner's API, and /metrics    ${adminUrl}   (its token is in ${adminTokenFile})`,
    `  indexer API                  ${indexerUrl}`,
    `  chain (${options.rpcUrl === undefined ? "anvil, test money" : "yours, test money"})    ${rpcUrl}`,
    ...(options.adversaries.length === 0
      ? []
      : [
          `  TEST ADVERSARIES             the last ${options.adversaries.length} providers cheat on purpose: ${options.adversaries.join(", ")}`,
        ]),
    "",
    "  Try it:",
    "",
    `  curl -i ${url}/v1/chat/completions -H "Authorization: Bearer ${apiKey}" -H "Content-Type: application/json" \\`,
    `    -d '${JSON.stringify({ model, messages: [{ role: "user", content: "Tell me a short story about a fox." }] })}'`,
    "",
    "  npx depinfer chat          talk to it",
    "  npx depinfer verify ID     check an answer; ID is in its header x-depinfer-receipt",
    "  npx depinfer providers     who serves, and for how much",
    "  npx depinfer money where   where every unit is",
    "",
    "  Ctrl-C stops everything and keeps its state.",
  ];
  return lines.join("\n");
}

/** A line about an answer for people. */
export function summary(cost: bigint, tokens: number, provider: string): string {
  return `${tokens} tokens from ${provider} for ${formatUsd(cost)}`;
}

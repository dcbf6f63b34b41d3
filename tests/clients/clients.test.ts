import { afterAll, beforeAll } from "vitest";
import { z } from "zod";
import { discard, startTestNetwork, type TestNetwork } from "../e2e/local-network.ts";
import { anthropicCases } from "./anthropic-cases.ts";
import { canaryCases } from "./canary-cases.ts";
import { frameworkCases } from "./framework-cases.ts";
import { openaiCases } from "./openai-cases.ts";
import type { Endpoint } from "./published.ts";
import { responseCases } from "./response-cases.ts";

/*
 * Other people's clients against a whole network: the real gateway, a real provider, a real chain. The model tells stories
 * and has no sense, so what is judged is the form.
 */

const listSchema = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });

let network: TestNetwork | undefined;
let endpoint: Endpoint = { url: "", apiKey: "", model: "" };

beforeAll(async () => {
  network = await startTestNetwork(["--providers", "1", "--validators", "0"]);
  await network.client.waitForOffers(1);
  const { url, apiKey } = network.access;
  const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } });
  const { data } = listSchema.parse(await response.json());
  endpoint = { url, apiKey, model: data[0]?.id ?? "" };
}, 120_000);
afterAll(() => discard(network));

const at = () => endpoint;
openaiCases(at);
responseCases(at);
anthropicCases(at);
frameworkCases(at);
canaryCases(at);

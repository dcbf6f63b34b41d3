import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Decentralisation, decentralisationApi, decentralisationSchema } from "@depinfer/protocol/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buyShortAnswers } from "./buy-short-answers.ts";
import { depinfer, discard, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* One network whose four providers have four owners, and then one: what the index says of it, through the command line. */

let network: TestNetwork;
beforeAll(async () => {
  network = await startTestNetwork(["--owners", "4", "--epoch-seconds", "2"]);
}, 120_000);
afterAll(() => discard(network), 30_000);

async function indexNow(): Promise<Decentralisation> {
  const { stdout, stderr } = await depinfer("index", "--home", network.home, "--json");
  expect(stderr).toBe("");
  return decentralisationSchema.parse(JSON.parse(stdout));
}

const layerOf = (found: Decentralisation, name: string) => found.layers.find((layer) => layer.name === name);

/** Short answers that cost some units each. By chance one of four may have more than a third of them; more work evens that out. */
const REQUESTS = 60;

test("with four owners the index is above zero, and follows the traffic", async () => {
  const before = await indexNow();
  // By hand: four alike, two of them have more than 33 %: 100 · ln 2 / ln 100.
  expect(before.index).toBeCloseTo((100 * Math.log(2)) / Math.log(100), 6);
  expect(layerOf(before, "capacity")).toMatchObject({ state: "counted", clustered: { entities: 4, nc33: 2 } });
  expect(layerOf(before, "revenue")).toMatchObject({ state: "no data", score: null });
  expect(layerOf(before, "engines")).toMatchObject({ state: "set aside", score: 0 });

  let after = before;
  await waitFor(
    async () => {
      await buyShortAnswers(network, REQUESTS);
      after = await indexNow();
      return layerOf(after, "revenue")?.clustered.entities === 4 && after.index !== null && after.index > 0;
    },
    60_000,
    () => `the index did not follow the traffic: ${JSON.stringify(after)}`,
  );
  expect(layerOf(after, "revenue")?.clustered.gini).toBeGreaterThan(0);
  expect(after.interval).not.toBeNull();
  expect(after.clusters).toEqual([]);
}, 120_000);

test("a layer is worked out with its formula, its inputs and who has most", async () => {
  const { code, stdout } = await depinfer("index", "--home", network.home, "--explain", "capacity");
  expect(code).toBe(0);
  expect(stdout).toContain("min(1, ln 2 ÷ ln 100) = 0.1505");
  expect(stdout).toContain("2 entities together have 50.0 % of it");
  expect(stdout.match(/0x[0-9a-f]{40}/g)).toHaveLength(4);
  const votes = await depinfer("index", "--home", network.home, "--explain", "votes");
  expect(votes.stdout).toContain("No data: There is no vote on this network yet");
  const wrong = await depinfer("index", "--home", network.home, "--explain", "charisma");
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('The index has no layer "charisma"');
  expect(wrong.stderr).toContain("Choose one of revenue, capacity");
});

test("an owner's word is made by hand, and a node refuses one for somebody else", async () => {
  const key = join(network.home, "owner.key");
  const out = join(network.home, "ownership.json");
  writeFileSync(key, `0x${"2b".repeat(32)}\n`);
  const operator = `0x${"ab".repeat(20)}`;
  const made = await depinfer("own", operator, "--home", network.home, "--key-file", key, "--out", out);
  expect(made.code).toBe(0);
  expect(made.stderr).toContain(`owns ${operator}`);
  const node = await depinfer(
    ...["node", "--home", join(network.home, "services/other"), "--network", join(network.home, "network.json")],
    ...["--passphrase-file", join(network.home, "passphrase"), "--ownership", out],
  );
  expect(node.code).not.toBe(0);
  expect(node.stdout + node.stderr).toContain("is not signed by");
  const wrong = await depinfer("own", "somebody", "--home", network.home, "--key-file", key);
  expect(wrong.stderr).toContain('"somebody" is no operator');
}, 60_000);

test("the same providers under one owner make it zero, and the layer and the evidence are named", async () => {
  const { home } = network;
  await network.stop();
  network = await startTestNetwork(["--owners", "1", "--epoch-seconds", "2"], home);
  let found = await indexNow();
  await waitFor(
    async () => {
      found = await indexNow();
      return found.clusters.length === 1 && layerOf(found, "capacity")?.clustered.entities === 1;
    },
    30_000,
    () => `the owner is not known: ${JSON.stringify(found)}`,
  );
  expect(found).toMatchObject({ index: 0, weakest: "revenue" });
  expect(found.clusters[0]).toMatchObject({ evidence: [{ kind: "owner" }] });
  expect(found.clusters[0]?.ids).toHaveLength(4);
  expect(layerOf(found, "revenue")).toMatchObject({ raw: { entities: 4 }, clustered: { entities: 1, nc33: 1 } });
  const { stdout } = await depinfer("index", "--home", home);
  expect(stdout).toContain("Index 0.0 of 100");
  expect(stdout).toContain("Weakest layer: revenue. One entity has 100.0 % of it");
  expect(stdout).toContain("4 providers are taken for one");
  let noted: readonly (number | null)[] = [];
  await waitFor(
    async () => {
      const answer = await (await fetch(`${network.access.indexerUrl}/index/history`)).json();
      noted = decentralisationApi.indexHistory.answer.parse(answer).data.map(({ index }) => index);
      return noted.at(-1) === 0 && noted.some((index) => index !== null && index > 0);
    },
    30_000,
    () => `the history does not hold both: ${JSON.stringify(noted)}`,
  );
}, 150_000);

import { indexerApi } from "@depinfer/protocol/api";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, network, open, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

test("the page says what the indexer says: all providers are one owner's, and that makes it zero", async () => {
  const { page, context, faults } = await visit(browser, { size: "wide" });
  await open(page, "/index?layer=capacity");
  await page.getByText(/[12] of 10 layers/).waitFor();
  const found = indexerApi.index.answer.parse(await (await fetch(`${network().indexerUrl}/index`)).json());
  expect(found.index).toBe(0);
  expect(await page.locator("output").first().innerText()).toBe("0.0");
  await page.getByText(/One owner has 100 % of/).waitFor();
  await page.getByText("the same owner signed for them").waitFor();
  const layer = found.layers.find(({ name }) => name === "capacity");
  await page
    .getByText(`${layer?.clustered.hhi?.toFixed(0)} / ${layer?.raw.hhi?.toFixed(0)}`)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Effective votes" }).click();
  await page.getByText("No data: There is no vote on this network yet").waitFor();
  expect(page.url()).toContain("layer=votes");
  expect(faults).toEqual([]);
  await context.close();
});

test("a slider runs the market again beside the page, and the table follows", async () => {
  const { page, context, faults } = await visit(browser, { size: "wide" });
  await open(page, "/index?tab=simulator");
  const market = page.locator("[data-trace]");
  await market.waitFor();
  const table = page.getByRole("table", { name: "Simulated markets" });
  const before = await table.innerText();
  await page.getByLabel("Capacity of the largest owner").fill("0.6");
  await expect.poll(() => table.innerText()).not.toBe(before);
  await page.getByText("With 60 % of the capacity it gets").waitFor();
  const uncapped = await table.innerText();
  await page.getByLabel("Cap once its names are known to be one").fill("0.05");
  await expect.poll(() => table.innerText()).not.toBe(uncapped);
  await page.getByLabel("Elasticity of demand").fill("18");
  await page.getByText(/It never settles/).waitFor();
  expect(page.url()).toContain("whale=0.6");
  expect(faults).toEqual([]);
  await context.close();
});

test("a link with values that no slider has is brought back into range", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/index?tab=simulator&whale=7&tail=nonsense&floor=-3&seed=x");
  await page.locator("[data-trace]").waitFor();
  expect(await page.getByLabel("Capacity of the largest owner").inputValue()).toBe("0.9");
  expect(await page.getByLabel("Tail of capacity").inputValue()).toBe("1.5");
  await context.close();
});

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

test("whoever plays with the draw sees that the seed decides, and that other weights are found out", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/learn/proof");
  const drawn = page.getByText(/^Drawn: /);
  const first = await drawn.innerText();
  const words = new Set<string>();
  for (let secret = 0; secret < 12; secret++) {
    await page.getByLabel("Provider's number", { exact: true }).fill(`secret ${secret}`);
    words.add((await drawn.innerText()).split(".")[0] ?? "");
  }
  expect(words.size).toBeGreaterThan(1);
  await page.getByLabel("Provider's number", { exact: true }).fill("provider's secret");
  expect(await drawn.innerText()).toBe(first);
  await page.getByRole("button", { name: "Coarser weights" }).click();
  let found = false;
  for (let secret = 0; secret < 40 && !found; secret++) {
    await page.getByLabel("Provider's number", { exact: true }).fill(`secret ${secret}`);
    found = (await drawn.innerText()).includes("this provider is found out");
  }
  expect(found).toBe(true);
  await context.close();
});

test("a slider moves the measures of the concentration that it makes", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/learn/concentration");
  const names = page.getByLabel("Names it splits into");
  const share = () => page.getByText("It earns").locator("xpath=ancestor::div[1]").innerText();
  await page.getByRole("button", { name: "Verified work" }).click();
  const before = await share();
  await names.fill("40");
  expect(await share()).toBe(before);
  await page.getByRole("button", { name: "Names and stake" }).click();
  expect(await share()).not.toBe(before);
  await context.close();
});

import { indexerApi } from "@depinfer/protocol/api";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { expectAccessible, launch, network, open, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
  // Something to find: an answer, whose epoch is posted seconds later.
  const { url, apiKey } = network();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "Depinfer Tiny", messages: [{ role: "user", content: "Say hello." }] }),
  });
  request = response.headers.get("x-depinfer-receipt") ?? "";
  await vi.waitUntil(indexed, { timeout: 60_000, interval: 500 });
});
afterAll(() => browser.close());

let request = "";
const indexed = async () => (await fetch(`${network().indexerUrl}/receipts/${request}`)).ok;

test("the beginning of an id leads to an answer, and from there to everything that it is related to", async () => {
  const { page, context, faults } = await visit(browser, { size: "wide" });
  await open(page, "/overview");
  await page.getByRole("searchbox").fill(request.slice(0, 14));
  await page.keyboard.press("Enter");
  await page
    .getByRole("link", { name: new RegExp(request.slice(0, 8)) })
    .first()
    .click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  const found = indexerApi.receipt.answer.parse(
    await (await fetch(`${network().indexerUrl}/receipts/${request}`)).json(),
  );
  const { channelId, provider } = found.receipt.receipt;
  for (const place of [
    `/explorer/receipt/${found.id}`,
    `/explorer/channel/${channelId}`,
    `/explorer/tx/${found.rootTx}`,
  ]) {
    await open(page, place);
    await page.waitForTimeout(600);
    expect(await page.getByText("This page failed").count()).toBe(0);
    await expectAccessible(page, place);
  }
  await open(page, `/explorer/epoch/${provider}/${found.epoch}`);
  await page.getByText(found.root.slice(0, 8)).first().waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

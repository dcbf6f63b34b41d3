import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible, launch, network, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** What a newcomer may take from the first page to a verified answer. */
const A_MINUTE_MS = 60_000;

test("a newcomer gets from the first page to a verified answer by mouse alone, in under a minute", async () => {
  const { page, context, faults } = await visit(browser, { size: "wide" });
  const started = Date.now();
  await page.goto(network().dashboardUrl);
  const click = async (name: string) => {
    const box = await page.getByRole("button", { name, exact: true }).boundingBox();
    if (box === null) {
      throw new Error(`the button ${name} cannot be clicked on`);
    }
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  };
  await page.getByRole("button", { name: "Ask and verify" }).waitFor();
  await click("Ask and verify");
  await page.getByRole("button", { name: "Receipt and proof" }).waitFor();
  expect((await page.getByRole("list", { name: "Conversation" }).innerText()).length).toBeGreaterThan(60);
  await click("Receipt and proof");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Verify now" }).and(dialog.locator(":enabled")).waitFor();
  await click("Verify now");
  const outcome = dialog.getByRole("status").filter({ hasText: "tokens differ" });
  await outcome.waitFor();
  expect(Date.now() - started).toBeLessThan(A_MINUTE_MS);
  expect(await outcome.innerText()).toMatch(/^pass\s+0 of \d+ tokens differ from what the seed demands/);
  expect(await dialog.innerText()).toMatch(/\(\d+ × 50,000 \+ \d+ × 12,500 \+ \d+ × 200,000\) ÷ 1,000,000 = \d+ units/);
  // Its epoch is posted a few seconds later, and the drawer fills in by itself.
  await dialog.getByText(/leaf \d+ of \d+/).waitFor();
  await expectAccessible(page, "the drawer of an answer");
  await dialog.getByRole("link", { name: "Check in this browser" }).click();
  await page.getByText("all hold").waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

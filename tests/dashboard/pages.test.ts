import { indexerApi } from "@depinfer/protocol/api";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible, launch, network, open, SIZES, visit } from "./harness.ts";

let browser: Browser;
let provider = "";
beforeAll(async () => {
  browser = await launch();
  const { data } = indexerApi.providers.answer.parse(await (await fetch(`${network().indexerUrl}/providers`)).json());
  provider = data[0]?.provider ?? "";
});
afterAll(() => browser.close());

const PLACES = [
  "/overview",
  "/playground",
  "/market",
  "/market?tab=offers",
  "/market?tab=providers",
  "/market?tab=prices",
  "/market?tab=earn",
  "/market/providers/PROVIDER",
  "/proofs",
  "/proofs?tab=evidence",
  "/proofs?tab=detection",
  "/proofs?tab=calibration",
  "/proofs?tab=disputes",
  "/proofs/check",
  "/money",
  "/money?tab=statement",
  "/money?tab=passes",
  "/index",
  "/index?layer=revenue",
  "/index?tab=simulator",
  "/explorer",
  "/explorer?q=tiny",
  "/explorer/provider/PROVIDER",
  "/learn",
  "/learn/request",
  "/learn/proof",
  "/learn/audits",
  "/learn/money",
  "/learn/concentration",
  "/learn/limits",
] as const;

/** Queries and lazily loaded code have had their time. */
const SETTLED_MS = 800;

// Two at a time (vitest.config.ts): each page is its own context.
test.concurrent.each(PLACES)(
  "%s is usable by everybody, in both themes and on every screen, and asks nobody else",
  async (place) => {
    const { page, context, faults } = await visit(browser);
    await open(page, place.replace("PROVIDER", provider));
    await page.waitForTimeout(SETTLED_MS);
    expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
    expect(await page.getByText("This page failed").count()).toBe(0);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page, `${place} in ${colorScheme}`);
    }
    for (const [name, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      await page.waitForTimeout(150);
      expect(
        await page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"),
        `${place} on a ${name}`,
      ).toBe(true);
    }
    await expectAccessible(page, `${place} on a wide screen`);
    expect(faults).toEqual([]);
    await context.close();
  },
);

test("the keyboard reaches the content, the navigation and the settings, and Escape closes what was opened", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/overview");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate("document.activeElement.tagName")).toBe("MAIN");
  await page.getByRole("button", { name: "Connection and settings" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Connection and settings");
  await context.close();
});

test("a theme that was chosen stays, before anything is painted", async () => {
  const { page, context } = await visit(browser, { theme: "light" });
  await open(page, "/learn");
  await page.getByRole("button", { name: "Dark theme" }).click();
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe("rgb(14, 17, 19)");
  await context.close();
});

test("what is sorted and filtered stands in the URL, and a link shows it to others", async () => {
  const { page, context } = await visit(browser, { size: "wide" });
  await open(page, "/market?tab=offers");
  await page.getByLabel("Model contains", { exact: true }).fill("tiny");
  await page.getByRole("button", { name: "Free slots", exact: true }).click();
  await expect.poll(() => page.url()).toMatch(/model=tiny/);
  const link = page.url();
  const other = await visit(browser, { size: "wide" });
  await other.page.goto(link);
  await other.page.getByRole("table", { name: "Offers" }).waitFor();
  expect(await other.page.getByLabel("Model contains", { exact: true }).inputValue()).toBe("tiny");
  expect(await other.page.locator("[aria-sort=descending]").innerText()).toContain("Free slots");
  await context.close();
  await other.context.close();
});

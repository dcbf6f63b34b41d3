/*
 * The README's pictures of the dashboard, from a network that runs: node --conditions=source scripts/screenshots.ts URL
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url] = process.argv.slice(2);
if (url === undefined || !URL.canParse(url)) {
  console.error("Pass the dashboard's address, such as http://127.0.0.1:8789");
  process.exit(1);
}
const folder = join(import.meta.dirname, "../docs");
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"],
});
const page = await browser.newPage({
  viewport: { width: 1280, height: 860 },
  colorScheme: "light",
  deviceScaleFactor: 0.75,
});
await page.goto(url);
await page.getByRole("button", { name: "Ask and verify" }).waitFor();
await page.waitForTimeout(3_000);
await page.screenshot({ path: join(folder, "overview.png") });
await page.getByRole("button", { name: "Ask and verify" }).click();
await page.getByRole("button", { name: "Receipt and proof" }).click();
await page.getByRole("button", { name: "Verify now" }).click();
await page.getByText("tokens differ").waitFor();
await page.waitForTimeout(1_500);
await page.screenshot({ path: join(folder, "verified.png") });
await browser.close();
console.log(`wrote ${join(folder, "overview.png")} and verified.png`);

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect, inject } from "vitest";
import type { DashboardNetwork } from "./network.ts";

/*
 * A real browser on the real network: Debian's Chromium with a fresh profile for each context.
 */

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The widths that the pages are made for: a phone, a small laptop, a wide screen. */
export const SIZES = {
  phone: { width: 390, height: 844 },
  laptop: { width: 1024, height: 768 },
  wide: { width: 1600, height: 1000 },
} as const;

export type Theme = "light" | "dark";

export function network(): DashboardNetwork {
  return inject("network");
}

/** Process of a service, from what it says of itself when it is ready. */
export function pidOf(service: string): number {
  const lines = readFileSync(join(network().home, "logs", `${service}.log`), "utf8")
    .trim()
    .split("\n");
  return Number(JSON.parse(lines.findLast((line) => line.includes('"ready"')) ?? "{}").pid);
}

/** Kills a service with -9; what comes back resolves when its supervisor has started it again. */
export function kill(service: string): () => Promise<void> {
  const before = pidOf(service);
  process.kill(before, "SIGKILL");
  return () => expect.poll(() => pidOf(service), { timeout: 40_000, interval: 200 }).not.toBe(before);
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

export interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page complained about: uncaught errors, refused scripts, requests to other hosts. */
  readonly faults: string[];
}

/** A browser of its own, with nothing stored, and a page that notes what goes wrong in it. */
export async function visit(
  browser: Browser,
  { size = "laptop", theme = "light" }: { readonly size?: keyof typeof SIZES; readonly theme?: Theme } = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme: theme });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) {
      faults.push(message.text());
    }
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (/^https?:$/.test(protocol) && hostname !== "127.0.0.1" && hostname !== "localhost") {
      faults.push(`external request: ${request.url()}`);
    }
  });
  return { context, page, faults };
}

/** Opens a place of the app, such as `/market?model=x`. */
export async function open(page: Page, place: string): Promise<void> {
  await page.goto(`${network().dashboardUrl}/#${place}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Expects no serious or critical problem of accessibility on the page as it is now. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(axeSource);
  const problems = await page.evaluate<readonly string[]>(`
    axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, help, nodes }) => id + ": " + help + " at " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")))
  `);
  expect(problems, what).toEqual([]);
}

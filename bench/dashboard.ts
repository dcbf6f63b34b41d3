import { type Browser, chromium, type Page } from "playwright-core";
import { buildDashboard } from "../apps/dashboard/build.ts";
import type { Benchmark } from "./benchmark.ts";
import { measurePage, type PageFigures } from "./dashboard/measure-page.ts";
import { startPageServer } from "./dashboard/pages.ts";
import { startStandInIndexer } from "./dashboard/stand-in.ts";
import { interleave } from "./measure/interleave.ts";
import { compared, median, significant } from "./measure/statistics.ts";
import { temporaryFolder } from "./measure/temporary-folder.ts";

/*
 * The dashboard in a real browser, over the indexer's real code with a made-up network: the first page against a page of
 * text, events at 50 a second against silence, and 10,000 offers against a plain table of as many rows.
 */

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];

const OFFERS = 10_000;
const EVENTS_PER_SECOND = 50;
/** Until queries are answered and plots drawn. */
const SETTLED_MS = 2_500;
const STEP_PX = 900;

/** The goals, which the run says when they are missed. */
const MOST_SCRIPT_KB = 200;
const MOST_LCP_MS = 1_500;
const MOST_CLS = 0.05;
const MOST_TASK_MS = 50;

export const dashboard: Benchmark = {
  name: "dashboard",
  description:
    "the dashboard's first page, its work under a flood of events and its longest table, against plain pages",
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 7;
    const seconds = quick ? 3 : 10;
    const steps = quick ? 20 : 60;
    const folder = temporaryFolder();
    const built = await buildDashboard(progress);
    progress(`making up a network with ${OFFERS} offers`);
    const indexer = await startStandInIndexer(folder.path, { providers: 300, offers: OFFERS, receipts: 20_000 });
    const pages = await startPageServer(built, indexer.url);
    let browser: Browser | undefined;
    try {
      const running = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
      browser = running;
      const first = (path: string) => () => measurePage(running, `${pages.url}${path}`, SETTLED_MS);
      const during = (happens: boolean) => () =>
        measurePage(running, `${pages.url}/#/overview`, SETTLED_MS, async (page) => {
          const timer = happens ? setInterval(indexer.happen, 1_000 / EVENTS_PER_SECOND) : undefined;
          await page.waitForTimeout(seconds * 1_000);
          clearInterval(timer);
        });
      const scrolled = (path: string, selector: string) => () =>
        measurePage(running, `${pages.url}${path}`, SETTLED_MS, (page) => scroll(page, selector, steps));
      const samples = await interleave<PageFigures>(
        [
          { name: "page of text", measure: first("/text.html") },
          { name: "overview", measure: first("/#/overview") },
          { name: "silence", measure: during(false) },
          { name: "events", measure: during(true) },
          { name: "plain table", measure: scrolled("/table.html", "div") },
          { name: "offers", measure: scrolled("/#/market?tab=offers", "section[aria-label='Offers, scrollable']") },
        ],
        rounds,
        progress,
      );
      const of = (name: string, figure: keyof Omit<PageFigures, "scripts">) =>
        samples.of(name, (sample) => sample[figure]);
      const middle = (name: string, figure: keyof Omit<PageFigures, "scripts">) =>
        significant(median(of(name, figure)));
      const scripts = [...new Set(samples.all("overview").flatMap((sample) => sample.scripts))];
      const scriptBytes = scripts.reduce((sum, path) => sum + pages.gzipBytes(path), 0);
      const summary = {
        firstPageScriptKb: significant(scriptBytes / 1_000),
        lcpMs: middle("overview", "lcpMs"),
        lcpOverText: significant(compared(of("overview", "lcpMs"), of("page of text", "lcpMs")).median),
        cls: significant(Math.max(...of("overview", "cls"))),
        eventsPerSecond: EVENTS_PER_SECOND,
        longTasksMsPerSecond: significant(median(of("events", "longTasksMs")) / seconds),
        silentLongTasksMsPerSecond: significant(median(of("silence", "longTasksMs")) / seconds),
        busyShareUnderEvents: significant(median(of("events", "busyMs")) / (seconds * 1_000)),
        busyShareInSilence: significant(median(of("silence", "busyMs")) / (seconds * 1_000)),
        offers: OFFERS,
        scrollBusyOverPlainTable: significant(compared(of("offers", "busyMs"), of("plain table", "busyMs")).median),
        longestScrollTaskMs: middle("offers", "longestTaskMs"),
        plainTableLongestScrollTaskMs: middle("plain table", "longestTaskMs"),
      };
      return {
        rounds,
        rows: ["page of text", "overview", "silence", "events", "plain table", "offers"].map((name) => ({
          page: name,
          "LCP ms": middle(name, "lcpMs"),
          CLS: name === "offers" || name === "plain table" ? null : significant(median(of(name, "cls"))),
          "long tasks ms": middle(name, "longTasksMs"),
          "longest task ms": middle(name, "longestTaskMs"),
          "busy ms": middle(name, "busyMs"),
        })),
        summary,
        missed: [
          ...(summary.firstPageScriptKb > MOST_SCRIPT_KB
            ? [`scripts of the first page have ${summary.firstPageScriptKb} kB`]
            : []),
          ...(summary.lcpMs > MOST_LCP_MS ? [`the largest content comes after ${summary.lcpMs} ms`] : []),
          ...(summary.cls > MOST_CLS ? [`the layout shifts by ${summary.cls}`] : []),
          ...(summary.longestScrollTaskMs > MOST_TASK_MS
            ? [`a task of scrolling takes ${summary.longestScrollTaskMs} ms`]
            : []),
        ],
      };
    } finally {
      await browser?.close();
      await pages.stop();
      await indexer.stop();
      folder.remove();
    }
  },
};

/** Scrolls with the wheel, as a person does. */
async function scroll(page: Page, selector: string, steps: number): Promise<void> {
  await page.locator(selector).first().hover();
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, STEP_PX);
    await page.waitForTimeout(50);
  }
}

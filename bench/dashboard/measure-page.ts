import type { Browser, Page } from "playwright-core";
import { z } from "zod";

/** What the browser itself says of a page. */
export interface PageFigures {
  /** Milliseconds from navigation to the largest piece of content. */
  readonly lcpMs: number;
  /** Cumulative layout shift. */
  readonly cls: number;
  /** Milliseconds of tasks above 50 ms, together, and the longest one. */
  readonly longTasksMs: number;
  readonly longestTaskMs: number;
  /** Milliseconds in which the page's main thread worked: while it was used, or since it was opened. */
  readonly busyMs: number;
  /** Paths of the scripts that were loaded. */
  readonly scripts: readonly string[];
}

const SIZE = { width: 1_280, height: 800 };

/** Set up before the page's own code; Debian's Chromium reports all three. */
const OBSERVE = `
  window.measured = { lcp: 0, cls: 0, tasks: [] };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) measured.lcp = entry.startTime; }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) measured.cls += entry.value; }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) measured.tasks.push(entry.duration); }).observe({ type: "longtask", buffered: true });
`;

const READ = `({
  lcpMs: measured.lcp,
  cls: measured.cls,
  longTasksMs: measured.tasks.reduce((sum, task) => sum + task, 0),
  longestTaskMs: Math.max(0, ...measured.tasks),
  scripts: performance.getEntriesByType("resource").filter(({ initiatorType, name }) => initiatorType === "script" || name.endsWith(".js")).map(({ name }) => new URL(name).pathname),
})`;

const metricsSchema = z.object({ metrics: z.array(z.object({ name: z.string(), value: z.number() })) });

const figuresSchema = z.object({
  lcpMs: z.number(),
  cls: z.number(),
  longTasksMs: z.number(),
  longestTaskMs: z.number(),
  scripts: z.array(z.string()),
});

/**
 * Opens a page with nothing cached, lets it be used, and reads its figures.
 *
 * @param use what is done once the page is there; tasks before it do not count among the long ones when it is given.
 */
export async function measurePage(
  browser: Browser,
  url: string,
  settledMs: number,
  use?: (page: Page) => Promise<void>,
): Promise<PageFigures> {
  const context = await browser.newContext({ viewport: SIZE });
  try {
    const page = await context.newPage();
    await page.addInitScript(OBSERVE);
    const session = await context.newCDPSession(page);
    await session.send("Performance.enable");
    const busyMs = async () => {
      const { metrics } = metricsSchema.parse(await session.send("Performance.getMetrics"));
      return 1_000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0);
    };
    await page.goto(url);
    await page.waitForTimeout(settledMs);
    let before = 0;
    if (use !== undefined) {
      await page.evaluate("measured.tasks = []");
      before = await busyMs();
      await use(page);
    }
    const after = await busyMs();
    return { ...figuresSchema.parse(await page.evaluate(READ)), busyMs: after - before };
  } finally {
    await context.close();
  }
}

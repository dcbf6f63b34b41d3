import { createServer, type Server } from "node:http";
import type { Browser, Page } from "playwright-core";
import sirv from "sirv";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dashboardFolder } from "../../apps/dashboard/build.ts";
import { kill, launch, network, open, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const NOWHERE = [
  ["/nothing-here", "There is nothing at /nothing-here"],
  [`/explorer/receipt/0x${"ff".repeat(32)}`, null],
  ["/explorer/unheard-of/7", null],
  ["/explorer/block/999999999", null],
  ["/market/providers/not-an-account", "not-an-account is no account"],
  [`/market/providers/0x${"12".repeat(20)}`, "is not indexed"],
  ["/learn/alchemy", "There is no page about alchemy"],
  ["/proofs/check/0x12", "0x12 is no id of a receipt"],
  [`/proofs/check/0x${"ee".repeat(32)}`, "No receipt has this id"],
  ["/playground?model=%3Cscript%3E", "Nobody offers <script> at present"],
  ["/market?tab=offers&offers.sort=-%22%3E&proof=nonsense", null],
  ["/overview?span=century", null],
] as const;

test.each(NOWHERE)("a link to %s, which does not exist, says so and takes nothing down", async (place, words) => {
  const { page, context, faults } = await visit(browser);
  await open(page, place);
  if (words !== null) {
    await page.getByText(words).first().waitFor();
  }
  await page.waitForTimeout(500);
  expect(await page.getByText("This page failed").count()).toBe(0);
  await page.getByRole("link", { name: "Learn" }).first().click();
  await page.getByRole("heading", { name: "Learn", level: 1 }).waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test("an indexer that dies is noticed, what was shown stays, and it goes on by itself", async () => {
  const { page, context } = await visit(browser, { size: "wide" });
  await open(page, "/market?tab=providers");
  await page.getByRole("table", { name: "Providers" }).waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  const back = kill("indexer");
  await page.getByText("reconnecting").waitFor();
  expect(await page.getByRole("table", { name: "Providers" }).count()).toBe(1);
  await back();
  await page.getByText("live", { exact: true }).waitFor({ timeout: 40_000 });
  await context.close();
});

test("a page that is opened while the indexer is down says what is wrong, and fills in when it is back", async () => {
  const { page, context } = await visit(browser);
  // What a server that is not there does; the others stay.
  await context.route(`${network().indexerUrl}/**`, (route) => route.abort("connectionrefused"));
  await open(page, "/market?tab=providers");
  await page.getByText(/The indexer at .* does not answer/).waitFor();
  await context.unroute(`${network().indexerUrl}/**`);
  await page.getByRole("table", { name: "Providers" }).waitFor();
  await context.close();
});

async function answering(page: Page, path: string, body: string, status = 200): Promise<void> {
  await page.route(`${network().indexerUrl}${path}`, (route) =>
    route.fulfill({ status, body, contentType: "application/json", headers: { "access-control-allow-origin": "*" } }),
  );
}

test.each([
  ["of another version", '{"entries":[]}', 200],
  ["that is no API at all", "<html>hello</html>", 200],
  ["that fails", '{"error":{"code":"internal","message":"The query failed.","remedy":"Ask again"}}', 500],
  ["with a number where text belongs", '{"data":[{"provider":7}],"next":null}', 200],
])("an indexer %s is told apart from one without data", async (_, body, status) => {
  const { page, context } = await visit(browser);
  await answering(page, "/providers?limit=1000", body, status);
  await open(page, "/market?tab=providers");
  await page.getByRole("alert").first().waitFor();
  expect(await page.getByText("No provider has registered yet").count()).toBe(0);
  await context.close();
});

test("a wrong clock is pointed out", async () => {
  const { page, context } = await visit(browser);
  await answering(
    page,
    "/version",
    JSON.stringify({ api: "depinfer-indexer", version: 1, time: Date.now() + 7_200_000 }),
  );
  await open(page, "/learn");
  await page.getByText(/This device's clock is .* behind the network's/).waitFor();
  await context.close();
});

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>\u202e${"A".repeat(230)}`;

test("hostile names are text: nothing runs, nothing grows out of its place", async () => {
  const { page, context, faults } = await visit(browser);
  for (const path of ["/offers", "/models"]) {
    const real = await (await fetch(`${network().indexerUrl}${path}`)).text();
    await page.route(new RegExp(`${new URL(network().indexerUrl).port}${path}(\\?|$)`), (route) =>
      route.fulfill({
        body: real.replaceAll('"Depinfer Tiny"', JSON.stringify(HOSTILE.slice(0, 256))),
        contentType: "application/json",
        headers: { "access-control-allow-origin": "*" },
      }),
    );
  }
  for (const place of ["/market", "/market?tab=offers", "/market?tab=prices"]) {
    await open(page, place);
    await page.getByText("<img src=x").first().waitFor({ state: "attached" });
    await page.waitForTimeout(300);
    expect(await page.title()).not.toContain("owned");
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), place).toBe(true);
  }
  expect(faults).toEqual([]);
  await context.close();
});

test("the policy lets no script in that is not the page's own", async () => {
  const { page, context, faults } = await visit(browser);
  await open(page, "/learn");
  await page.evaluate(`(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'owned'";
    document.body.append(script);
  })()`);
  await expect.poll(() => faults.length).toBeGreaterThan(0);
  expect(await page.title()).not.toBe("owned");
  const { headers } = await fetch(network().dashboardUrl);
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).not.toMatch(/unsafe/);
  expect(policy).toContain("default-src 'none'");
  await context.close();
});

test("an answer of a hundred thousand characters is shown, and the page stays quick to use", async () => {
  const { page, context } = await visit(browser);
  const piece = (content: string) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }] })}\n\n`;
  await page.route(`${network().url}/v1/chat/completions`, (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      headers: { "access-control-allow-origin": "*", "access-control-expose-headers": "*" },
      body: `${piece("word ".repeat(10)).repeat(2_000)}data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
    }),
  );
  await open(page, "/playground");
  await page.getByLabel("Message", { exact: true }).fill("Say much.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("button", { name: "Ask again" }).waitFor();
  const length = await page.evaluate<number>("document.querySelector('main').innerText.length");
  expect(length).toBeGreaterThan(95_000);
  await page.getByLabel("Message", { exact: true }).fill("Still here.");
  expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("Still here.");
  await context.close();
});

test("the same files work from any other host, with a configuration of their own and without the console", async () => {
  const { url, indexerUrl } = network();
  const files = sirv(dashboardFolder, { dev: true });
  const config = JSON.stringify({ gatewayUrl: url, indexerUrl });
  const server: Server = createServer((request, response) => {
    if (request.url?.endsWith("/config.json") === true) {
      response.setHeader("content-type", "application/json");
      response.end(config);
    } else {
      request.url = (request.url ?? "/").replace(/^\/some\/folder/, "");
      files(request, response, () => void response.writeHead(404).end());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const { page, context, faults } = await visit(browser);
  try {
    await page.goto(`http://127.0.0.1:${port}/some/folder/#/market?tab=providers`);
    await page.getByRole("table", { name: "Providers" }).waitFor();
    await page.goto(`http://127.0.0.1:${port}/some/folder/#/proofs?tab=calibration`);
    await page.getByText("Calibrations come with the software").waitFor();
    await page.goto(`http://127.0.0.1:${port}/some/folder/#/playground`);
    await page.getByText(/key/i).first().waitFor();
    await page.getByRole("button", { name: "Connection and settings" }).click();
    await page.getByLabel("API key of the gateway", { exact: true }).fill(network().apiKey);
    await page.getByRole("button", { name: "Use these" }).click();
    await page.getByLabel("Message", { exact: true }).fill("Say hello.");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("button", { name: "Receipt and proof" }).click();
    await page
      .getByRole("dialog")
      .getByText(/npx depinfer verify 0x/)
      .waitFor();
    expect(faults).toEqual([]);
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
  }
});

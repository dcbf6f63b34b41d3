import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible, launch, network, open, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Has the network's gateway answer once, so that there is something on the statement. */
async function ask(): Promise<Response> {
  const response = await fetch(`${network().url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${network().apiKey}` },
    body: JSON.stringify({
      model: "Depinfer Tiny",
      messages: [{ role: "user", content: "Tell me a short story about a fox." }],
      max_tokens: 40,
    }),
  });
  await response.text();
  return response;
}

const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().click();
const finished = (page: Page) => page.getByText("All steps are done").waitFor();

/**
 * An injected wallet (EIP-1193, announced by EIP-6963) that lets the network's test wallet sign, as the reader of the
 * test tells it through `window.told`: on another chain, and declining.
 */
function injectedWallet(): void {
  const told = { chainId: "0x1", declines: 0, asked: [] as string[] };
  const listeners = new Map<string, (value: unknown) => void>();
  const provider = {
    async request({ method, params }: { method: string; params?: unknown[] }): Promise<unknown> {
      told.asked.push(method);
      if (method === "eth_chainId") {
        return told.chainId;
      }
      if (method === "wallet_switchEthereumChain") {
        throw { code: 4902, message: "unknown chain" };
      }
      if (method === "wallet_addEthereumChain") {
        const [chain] = params ?? [];
        told.chainId = String(Reflect.get(Object(chain), "chainId"));
        listeners.get("chainChanged")?.(told.chainId);
        return null;
      }
      if (/^eth_(sendTransaction|signTypedData_v4)$/.test(method) && told.declines > 0) {
        told.declines -= 1;
        throw { code: 4001, message: "User rejected the request." };
      }
      const response = await fetch("/api/wallet", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: params ?? [] }),
      });
      const { result, error } = await response.json();
      if (error !== undefined) {
        throw error;
      }
      return result;
    },
    on: (event: string, listener: (value: unknown) => void) => listeners.set(event, listener),
    removeListener: (event: string) => listeners.delete(event),
  };
  Object.assign(globalThis, { told });
  const announce = () =>
    dispatchEvent(
      new CustomEvent("eip6963:announceProvider", {
        detail: { info: { uuid: "u", name: "<b>Fox</b> wallet", rdns: "org.example.fox", icon: "" }, provider },
      }),
    );
  addEventListener("eip6963:requestProvider", announce);
}

test("every unit is shown, and adds up", async () => {
  const { page, context, faults } = await visit(browser);
  await open(page, "/money");
  await page.getByText("it adds up").waitFor();
  await page.getByLabel("Place", { exact: true }).selectOption({ label: "At stake" });
  expect(page.url()).toContain("keeper=stakeVault");
  await expect.poll(() => page.getByRole("table", { name: "Every position" }).innerText()).toMatch(/7 d of notice/);
  await expectAccessible(page, "every unit");
  expect(faults).toEqual([]);
  await context.close();
});

test("what was bought stands on the statement, and comes as CSV", async () => {
  await ask();
  const { page, context, faults } = await visit(browser);
  await open(page, "/money?tab=statement&range=7d");
  await page.getByRole("table", { name: "What was bought" }).getByText("Depinfer Tiny").first().waitFor();
  const downloading = page.waitForEvent("download");
  await press(page, "Download CSV");
  const file = await (await downloading).path();
  expect(readFileSync(file, "utf8")).toMatch(/^day,account,model,provider,pass,[^\n]*\r?\n.*Depinfer Tiny/);
  await page.getByLabel("Range").selectOption("custom");
  await page.getByLabel("First day (UTC)").fill("2026-02-02");
  await page.getByLabel("Last day (UTC)").fill("2026-02-01");
  await page.getByText("The first day is after the last one").waitFor();
  await page.getByLabel("Last day (UTC)").fill("2026-02-03");
  await page.getByText("Nothing was bought in this time").waitFor();
  await expectAccessible(page, "the statement");
  expect(faults).toEqual([]);
  await context.close();
});

test("a pass is bought with the test wallet, pays for a request, and its refund is shown before it is cancelled", async () => {
  const { page, context, faults } = await visit(browser);
  await open(page, "/money?tab=passes");
  await press(page, "Connect TEST wallet");
  await press(page, /^Buy for/);
  await expectAccessible(page, "the steps of buying");
  await press(page, /^Buy tier \d+ now/);
  await finished(page);
  await press(page, "Close");
  await page.getByText("pays for this key").first().waitFor();
  expect((await ask()).headers.get("x-depinfer-pass-remaining")).toMatch(/^\d+$/);

  await page
    .getByText(/^In channels$/)
    .first()
    .waitFor();
  await press(page, "Cancel…");
  await expect.poll(() => page.getByTestId("refund").innerText(), { timeout: 10_000 }).toMatch(/\$1\.\d+/);
  await expectAccessible(page, "the refund");
  await press(page, /^Cancel pass \d+ now/);
  await finished(page);
  await press(page, "Close");
  await page.getByText("No pass: the gateway's wallet pays").waitFor();
  // Its channel with the provider has a notice; only then is the rest worked out.
  await page.getByRole("button", { name: "Finish the refund" }).first().waitFor();
  expect((await ask()).status).toBe(200);
  expect(faults).toEqual([]);
  await context.close();
});

test("a wallet on another chain is asked to switch, and a signature that was declined can be given later", async () => {
  const { page, context, faults } = await visit(browser);
  await page.addInitScript(injectedWallet);
  await open(page, "/money?tab=passes");
  await press(page, "Connect <b>Fox</b> wallet");
  await page.getByText("another chain", { exact: true }).waitFor();
  expect(
    await page
      .getByRole("button", { name: /^Buy for/ })
      .first()
      .isDisabled(),
  ).toBe(true);
  await press(page, /^Switch to chain/);
  await page.getByText("this network", { exact: true }).waitFor();

  await press(page, /^Buy for/);
  await page.evaluate("told.declines = 1");
  await press(page, /^Buy tier \d+ now/);
  await page.getByText("You declined this in your wallet").waitFor();
  await press(page, "Try step 1 again");
  await finished(page);
  await press(page, "Close");

  await press(page, "Stop using it for this key");
  await press(page, "Use for this key");
  await page.evaluate("told.declines = 1");
  await press(page, /^Use pass \d+ now/);
  await page.getByText("You declined this in your wallet").waitFor();
  await press(page, "Try step 1 again");
  await finished(page);
  expect(await page.evaluate<number>("told.asked.filter((one) => one === 'eth_sendTransaction').length")).toBe(3);
  await press(page, "Close");
  await press(page, "Stop using it for this key");
  await page.getByText("No pass: the gateway's wallet pays").waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test("a page whose host names other contracts sells nothing", async () => {
  const { page, context } = await visit(browser);
  await page.route("**/config.json", async (route) => {
    const response = await route.fetch();
    const config: object = await response.json();
    await route.fulfill({ json: { ...config, contracts: { passes: `0x${"66".repeat(20)}` } } });
  });
  await open(page, "/money?tab=passes");
  await page.getByText("money.contractsDiffer").waitFor();
  expect(await page.getByRole("button", { name: "Connect TEST wallet" }).isDisabled()).toBe(true);
  await expectAccessible(page, "contracts that differ");
  await context.close();
});

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kill, launch, network, open, visit } from "./harness.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const answers = (page: Page) => page.getByRole("button", { name: "Receipt and proof" });

const LONG = JSON.stringify({
  type: "object",
  properties: { numbers: { type: "array", minItems: 400, items: { type: "integer" } } },
  required: ["numbers"],
  additionalProperties: false,
});

/** Asks for a form that no model can leave early, so that an answer is not over before something happens to it. */
async function wantLong(page: Page): Promise<void> {
  await page.getByLabel("Form", { exact: true }).selectOption("schema");
  await page.getByLabel("JSON schema", { exact: true }).fill(LONG);
}

async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

test("before sending it says who can read the prompt and what it may cost; a reload keeps the conversation", async () => {
  const { page, context, faults } = await visit(browser);
  await open(page, "/playground");
  await page
    .getByText(/Who can read this:.*Relays and the chain cannot.*About \$0\.\d+ for an answer of full length/)
    .waitFor();
  await ask(page, "Say hello.");
  await answers(page).waitFor();
  await page.reload();
  await answers(page).waitFor();
  expect(await page.getByRole("list", { name: "Conversation" }).innerText()).toContain("Say hello.");
  expect(faults).toEqual([]);
  await context.close();
});

test("an answer that is being written can be stopped; what came is kept", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/playground");
  await page.getByLabel("Most tokens", { exact: true }).fill("900");
  await wantLong(page);
  await ask(page, "Count.");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText(/stopped ·/).waitFor();
  await page.getByLabel("Form", { exact: true }).selectOption("text");
  await ask(page, "Say hello.");
  await expect.poll(() => answers(page).count(), { timeout: 15_000 }).toBeGreaterThan(0);
  await context.close();
});

test("JSON of a schema comes back as such, and settings that are wrong are named and not sent", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/playground");
  await page.getByLabel("Form", { exact: true }).selectOption("schema");
  await ask(page, "Name a book.");
  await answers(page).waitFor();
  const text = await page
    .getByRole("list", { name: "Conversation" })
    .getByText(/^\{.*\}$/s)
    .innerText();
  expect(Object.keys(JSON.parse(text)).sort()).toEqual(["pages", "title"]);
  await page.getByLabel("JSON schema", { exact: true }).fill("{");
  await page.getByText(/Not JSON/).waitFor();
  await page.getByLabel("Message", { exact: true }).fill("x");
  expect(await page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
  await context.close();
});

test("a policy that nobody satisfies is refused with the gateway's reason, and the prompt is not lost", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/playground");
  await page.getByLabel("Privacy", { exact: true }).selectOption("attested");
  await page.getByText("No live offer satisfies your policy at present.").waitFor();
  await ask(page, "Say hello.");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("list", { name: "Conversation" }).innerText()).toContain("Say hello.");
  await page.getByLabel("Privacy", { exact: true }).selectOption("any");
  await page.getByRole("button", { name: "Ask again" }).click();
  await answers(page).waitFor();
  await context.close();
});

test("when providers are killed during a chat the answer goes on, and the drawer tells who wrote it", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/playground");
  // Cut off there, so that both answers fit into the model's context.
  await page.getByLabel("Most tokens", { exact: true }).fill("300");
  await wantLong(page);
  for (let round = 0; round < 2; round++) {
    await ask(page, "Count.");
    await page.locator("[aria-busy=true]").filter({ hasText: /\w{3}/ }).waitFor();
    // Which one answers is not known yet; two of the four die.
    const back = [kill("provider-1"), kill("provider-2")];
    await expect.poll(() => page.locator("[aria-busy=true]").count(), { timeout: 30_000 }).toBe(0);
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await answers(page).count()).toBe(round + 1);
    await Promise.all(back.map((again) => again()));
  }
  await answers(page).last().click();
  await page.getByRole("dialog").getByText("answered", { exact: true }).first().waitFor();
  await context.close();
});

test("the conversation as code holds what was set, and no key", async () => {
  const { page, context } = await visit(browser);
  await open(page, "/playground");
  await page.getByLabel("Seed", { exact: true }).fill("7");
  await page.getByRole("button", { name: "As code" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Python" }).click();
  const code = await dialog.locator("pre").innerText();
  expect(code).toContain("seed=7");
  expect(code).toContain(network().url);
  expect(code).not.toContain(network().apiKey);
  await context.close();
});

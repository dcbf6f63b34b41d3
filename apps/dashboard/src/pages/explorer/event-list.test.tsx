import type { IndexedEvent } from "@depinfer/protocol/api";
import { renderToStaticMarkup } from "react-dom/server";
import { MemoryRouter } from "react-router";
import { expect, test } from "vitest";
import { EventList } from "./event-list.tsx";

const ADDRESS: `0x${string}` = `0x${"ab".repeat(20)}`;
const ID: `0x${string}` = `0x${"cd".repeat(32)}`;

function shown(args: IndexedEvent["args"], about?: string): string {
  const event: IndexedEvent = {
    block: 7,
    logIndex: 0,
    tx: ID,
    contract: "disputes",
    name: "DisputeOpened",
    args,
    at: null,
  };
  return renderToStaticMarkup(
    <MemoryRouter>
      <EventList events={[event]} none="Nothing" {...(about === undefined ? {} : { about })} />
    </MemoryRouter>,
  );
}

test("an event is told in words, with links to its block, its transaction and what it names", () => {
  const html = shown({ accused: ADDRESS, bond: "5000000" });
  expect(html).toContain("Dispute opened");
  expect(html).toContain("$5.00");
  for (const place of [`provider/${ADDRESS}`, "block/7", `tx/${ID}`]) {
    expect(html).toContain(`href="/explorer/${place}"`);
  }
});

test("what the page is about is not said again", () => {
  expect(shown({ disputeId: ID })).toContain("Dispute id");
  expect(shown({ disputeId: ID }, ID)).not.toContain("Dispute id");
});

test("lists are told one by one, each once", () => {
  const html = shown({ members: [ADDRESS, ADDRESS] });
  expect(html.split(`href="/explorer/account/${ADDRESS}"`)).toHaveLength(2);
});

test("markup from a contract is text", () => {
  const html = shown({ "<i>name</i>": "<script>alert(1)</script>" });
  expect(html).not.toContain("<script>");
  expect(html).not.toContain("<i>");
  expect(html).toContain("&lt;script&gt;");
});

test("no events are told as such", () => {
  expect(renderToStaticMarkup(<EventList events={[]} none="Nothing yet" />)).toContain("Nothing yet");
});

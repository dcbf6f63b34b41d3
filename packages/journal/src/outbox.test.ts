import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createOutbox, OUTBOX_MIGRATIONS, openJournal } from "./index.ts";

test("an outbox keeps every version of a nonce until one of them is mined, also over restarts", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "outbox-")), "journal.sqlite");
  const open = () => openJournal({ path, parts: { outbox: OUTBOX_MIGRATIONS } });
  const of = (nonce: number, hash: `0x${string}`) => ({
    account: "0xaa" as const,
    chainId: 1,
    nonce,
    hash,
    raw: "0x02" as const,
    action: "channels.topUp",
  });
  let journal = open();
  let outbox = createOutbox(journal);
  for (const transaction of [of(8, "0x03"), of(7, "0x01"), of(7, "0x02"), of(7, "0x02")]) {
    await outbox.save(transaction);
  }
  await outbox.save({ ...of(7, "0x04"), chainId: 2 });
  journal.close();
  journal = open();
  outbox = createOutbox(journal);
  expect(outbox.pending("0xaa", 1).map(({ hash }) => hash)).toEqual(["0x01", "0x02", "0x03"]);
  await outbox.drop("0x01");
  expect(outbox.pending("0xaa", 1)).toEqual([of(7, "0x02"), of(8, "0x03")]);
  await outbox.forget("0xaa", 1, 7);
  expect(outbox.pending("0xaa", 1)).toEqual([of(8, "0x03")]);
  expect(outbox.pending("0xaa", 2)).toHaveLength(1);
  journal.close();
});

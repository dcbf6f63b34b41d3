import { createHash } from "node:crypto";
import type { Server } from "node:http";
import { join } from "node:path";
import { parseDeployment } from "@depinfer/chain";
import { type Database, openEmbedded } from "@depinfer/indexer";
import { createEventHub } from "../../services/indexer/src/api/event-hub.ts";
import { createReader } from "../../services/indexer/src/api/reader.ts";
import { createApi } from "../../services/indexer/src/api/server.ts";
import { prepareDatabase } from "../../services/indexer/src/prepare-database.ts";

/** The indexer's own database and API over a network that was made up: SYNTHETIC data, the real code. */
export interface StandInIndexer {
  readonly url: string;
  /** Tells readers of the event stream of a made-up answer; alternates with audits and settlements. */
  happen(): void;
  stop(): Promise<void>;
}

export interface StandInSize {
  readonly providers: number;
  readonly offers: number;
  readonly receipts: number;
}

const HOUR_MS = 3_600_000;
const MODELS = 40;
/** Rows of one statement; the parser's limits are far above. */
const BATCH = 500;

const word = (text: string) => `0x${createHash("sha256").update(text).digest("hex")}`;
const account = (text: string) => word(text).slice(0, 42);

export async function startStandInIndexer(folder: string, size: StandInSize): Promise<StandInIndexer> {
  const db = await openEmbedded(join(folder, "index"));
  await prepareDatabase(db, () => undefined);
  await fill(db, size);
  const hub = createEventHub(Date.now());
  const server: Server = createApi(
    createReader({ db, deployment: DEPLOYMENT, auditRate: null, setAside: {}, basePricePeriod: 3_600_000 }),
    hub,
    () => undefined,
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  let told = 0;
  return {
    url: `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`,
    happen() {
      told += 1;
      const provider = account(`provider ${told % size.providers}`);
      if (told % 3 === 0) {
        hub.publish("audit", auditOf(told, provider));
      } else if (told % 3 === 1) {
        hub.publish("receipt", {
          id: word(`live ${told}`),
          epoch: 1,
          model: "model 1",
          receipt: receiptOf(told, provider, Date.now()),
        });
      } else {
        const channelId = word(`channel ${provider}`);
        hub.publish("settlement", { channelId, provider, amount: "1234", tx: word(`tx ${told}`), at: Date.now() });
      }
    },
    async stop() {
      hub.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await db.close();
    },
  };
}

const ADDRESSES = [
  "testUsd",
  "channels",
  "providerRegistry",
  "stakeVault",
  "receiptLog",
  "validatorSet",
  "disputes",
  "refundInsurance",
  "feeSplitter",
  "passes",
] as const;

const DEPLOYMENT = parseDeployment({
  chainId: 31_337,
  block: 0,
  addresses: Object.fromEntries(ADDRESSES.map((name) => [name, account(name)])),
});

async function fill(db: Database, { providers, offers, receipts }: StandInSize): Promise<void> {
  const now = Date.now();
  await insert(db, "blocks (number, at)", [
    [1, now - HOUR_MS],
    [2, now],
  ]);
  await db.query("INSERT INTO progress VALUES (1, 'synthetic', 2)");
  await insert(
    db,
    "events (block, log_index, tx, contract, name, args)",
    Array.from({ length: providers }, (_, index) => {
      const operator = account(`provider ${index}`);
      const args = { operator, role: 1, receiptKey: account(`key ${index}`) };
      return [1, index, word(`tx ${index}`), "providerRegistry", "Registered", JSON.stringify(args)];
    }),
  );
  await insert(
    db,
    "offers (peer_id, class_id, provider, model, region, proof_level, output_price, input_price, first_seen, heard_at, expires_at, offer)",
    Array.from({ length: offers }, (_, index) => {
      const provider = account(`provider ${index % providers}`);
      const classId = word(`class ${index % MODELS}`);
      const [output, input] = [
        String(100_000 + ((index * 7_919) % 900_000)),
        String(20_000 + ((index * 104_729) % 80_000)),
      ];
      const offer = {
        v: 1,
        peerId: `peer-${index}`,
        addresses: [],
        provider,
        receiptKey: account(`key ${index}`),
        model: `model ${index % MODELS}`,
        classId,
        proofLevel: "none",
        prices: { inputPerMillion: input, cachedInputPerMillion: "5000", outputPerMillion: output },
        contextLength: 8_192,
        slots: 8,
        idleSlots: index % 9,
        features: ["json", "tools"],
        region: `region-${index % 12}`,
        sequence: 1,
        issuedAt: now,
        expiresAt: now + HOUR_MS,
      };
      return [
        offer.peerId,
        classId,
        provider,
        offer.model,
        offer.region,
        "none",
        output,
        input,
        now,
        now,
        offer.expiresAt,
        JSON.stringify(offer),
      ];
    }),
  );
  await insert(
    db,
    "receipts (id, request_id, provider, class_id, epoch, position, channel_id, cost, output_tokens, started_at, finished_at, receipt)",
    Array.from({ length: receipts }, (_, index) => {
      const signed = receiptOf(
        index,
        account(`provider ${index % providers}`),
        now - Math.floor((HOUR_MS * index) / receipts),
      );
      const { receipt } = signed;
      return [
        word(`receipt ${index}`),
        receipt.requestId,
        receipt.provider,
        receipt.classId,
        1,
        index,
        receipt.channelId,
        receipt.cost,
        receipt.outputTokens,
        receipt.startedAt,
        receipt.finishedAt,
        JSON.stringify(signed),
      ];
    }),
  );
}

async function insert(db: Database, into: string, rows: readonly (readonly (string | number)[])[]): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    const part = rows.slice(start, start + BATCH);
    const width = part[0]?.length ?? 0;
    const places = part.map((row, at) => `(${row.map((_, column) => `$${at * width + column + 1}`).join(", ")})`);
    await db.query(`INSERT INTO ${into} VALUES ${places.join(", ")}`, part.flat());
  }
}

function receiptOf(index: number, provider: string, finishedAt: number) {
  const hash = word(`request ${index}`);
  return {
    receipt: {
      requestId: hash,
      requestHash: hash,
      classId: word(`class ${index % MODELS}`),
      promptHash: hash,
      transcriptRoot: hash,
      textHash: hash,
      seedCommitment: hash,
      channelId: word(`channel ${provider}`),
      provider,
      promptTokens: 20,
      cachedTokens: 0,
      outputTokens: 50 + (index % 100),
      stopReason: "end",
      proofLevel: "none",
      cost: String(20 + (index % 50)),
      startedAt: finishedAt - 400 - (index % 300),
      finishedAt,
    },
    signature: `0x${"11".repeat(65)}`,
  };
}

function auditOf(index: number, provider: string) {
  return {
    receiptId: word(`live ${index}`),
    provider,
    validator: account(`validator ${index % 3}`),
    epoch: 1,
    classId: word("class 1"),
    verdict: "pass",
    tokens: 40,
    mismatches: 0,
    marginMicros: 0,
    evidenceHash: null,
    tx: word(`audit ${index}`),
    block: 2,
    at: Date.now(),
  };
}

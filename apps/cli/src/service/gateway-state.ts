import { join } from "node:path";
import { BUYER_MIGRATIONS, type Buyer } from "@depinfer/client";
import {
  type Admission,
  BATCH_MIGRATIONS,
  type BatchStore,
  createAdmission,
  createBatchStore,
  createIdempotency,
  createKeys,
  createResponseStore,
  createSeats,
  GATEWAY_MIGRATIONS,
  type Idempotency,
  journalKeys,
  type Keys,
  localAccountStates,
  migrateShared,
  openSharedDatabase,
  ownJournal,
  RESPONSE_MIGRATIONS,
  type ResponseStore,
  type Seat,
  type SharedDatabase,
  seatedBuyer,
  sharedAccountStates,
  sharedIdempotency,
  sharedKeys,
} from "@depinfer/gateway";
import { type Journal, openJournal } from "@depinfer/journal";
import { errorMessage, type Log } from "@depinfer/protocol";

/** What a gateway remembers, and the buyer whose money it is. */
export interface GatewayState {
  /** Not started. */
  readonly buyer: Buyer;
  readonly journal: Journal;
  readonly keys: Keys;
  readonly admission: Admission;
  readonly idempotency: Idempotency;
  readonly responses: ResponseStore;
  readonly batches: BatchStore;
  /** Name of the key that the gateway makes for its own home. */
  readonly firstKeyName: string;
  /** What the state looks like from outside. */
  readonly info: Readonly<Record<string, unknown>>;
  /** After `buyer.start`, and before the first request. */
  start(): Promise<void>;
  /** After everything that writes has stopped. The buyer is stopped by it too. */
  stop(): Promise<void>;
}

export interface GatewayStateModules {
  createBuyer(journal: Journal): Buyer;
  readonly log: Log;
}

const PARTS = {
  buyer: BUYER_MIGRATIONS,
  gateway: GATEWAY_MIGRATIONS,
  responses: RESPONSE_MIGRATIONS,
  batches: BATCH_MIGRATIONS,
};
/** Leases are ten seconds; a process that is well is heard of many times within one. */
const BEAT_MS = 1_000;

/** Everything on this machine's disk. */
export function openOwnState(home: string, { createBuyer }: GatewayStateModules): GatewayState {
  const journal = openJournal({ path: join(home, "journal.sqlite"), parts: PARTS });
  const buyer = createBuyer(journal);
  return {
    buyer,
    journal,
    keys: createKeys(journalKeys(journal)),
    admission: createAdmission({ states: localAccountStates(), seats: ownJournal(buyer) }),
    idempotency: createIdempotency(journal),
    responses: createResponseStore(journal),
    batches: createBatchStore(journal),
    firstKeyName: "default",
    info: {},
    start: async () => undefined,
    async stop() {
      await buyer.stop();
      journal.close();
    },
  };
}

/** Opens the database of a group of gateways. @throws DepinferError `database.*`. */
export async function openGroup(url: string): Promise<SharedDatabase> {
  const database = await openSharedDatabase(url);
  await migrateShared(database);
  return database;
}

/**
 * State in a database that many gateways share. This one takes a seat, whose journal only it writes, and looks after the
 * seats of gateways that have ended.
 *
 * @param onLost called when another gateway has taken this one's seat, or the database keeps nothing more.
 */
export async function openSharedState(
  home: string,
  database: SharedDatabase,
  { createBuyer, log }: GatewayStateModules,
  onLost: (reason: unknown) => void,
): Promise<GatewayState> {
  const seats = createSeats({ database, log }, { folder: join(home, "seats"), parts: PARTS });
  const own = await seats.takeOwn();
  const ownBuyer = createBuyer(own.journal);
  const adopted = new Map<bigint, { readonly seat: Seat; readonly buyer: Buyer }>();
  const buyer = seatedBuyer({ own: ownBuyer, adopted: () => [...adopted.values()].map((one) => one.buyer) });
  const everySeat = () => [{ seat: own, buyer: ownBuyer }, ...adopted.values()];
  const states = sharedAccountStates(database);
  const idempotency = sharedIdempotency(database, { own, all: everySeat });
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  own.lost.addEventListener("abort", () => {
    if (!stopping) {
      onLost(own.lost.reason);
    }
  });

  async function adopt(): Promise<void> {
    const seat = await seats.adopt();
    if (seat === null) {
      return;
    }
    const adoptedBuyer = createBuyer(seat.journal);
    adopted.set(seat.id, { seat, buyer: adoptedBuyer });
    seat.lost.addEventListener("abort", () => {
      adopted.delete(seat.id);
      adoptedBuyer.stop().catch(() => undefined);
    });
    await adoptedBuyer.start();
    await states.settleSeat(seat.id.toString(), (account) => adoptedBuyer.spent(account));
    log("info", `took over seat ${seat.id}, whose gateway has ended`, { seat: seat.id.toString() });
  }

  async function giveUp(id: bigint): Promise<void> {
    const held = adopted.get(id);
    adopted.delete(id);
    await held?.buyer.stop();
    await held?.seat.release();
  }

  async function beat(): Promise<void> {
    for (const id of await seats.beat()) {
      await giveUp(id);
    }
    await adopt();
    await idempotency.settle();
  }

  function nextBeat(): void {
    timer = setTimeout(() => {
      turn = beat()
        .catch((error: unknown) => log("warn", `the shared database was not reached: ${errorMessage(error)}`))
        .then(() => {
          if (!stopping) {
            nextBeat();
          }
        });
    }, BEAT_MS);
  }

  return {
    buyer,
    journal: own.journal,
    keys: createKeys(sharedKeys(database)),
    admission: createAdmission({
      states,
      seats: {
        holder: seats.holder,
        seat: own.id.toString(),
        alone: false,
        used: (account) => new Map(everySeat().map((one) => [one.seat.id.toString(), one.buyer.spent(account)])),
        alive: seats.alive,
      },
    }),
    idempotency,
    responses: createResponseStore(own.journal),
    batches: createBatchStore(own.journal),
    firstKeyName: `gateway-${own.id}`,
    info: { seat: own.id.toString() },
    async start() {
      await states.settleSeat(own.id.toString(), (account) => ownBuyer.spent(account));
      nextBeat();
    },
    async stop() {
      stopping = true;
      clearTimeout(timer);
      await turn;
      await buyer.stop();
      for (const { seat } of everySeat()) {
        await seat.release();
      }
      await database.close();
    },
  };
}

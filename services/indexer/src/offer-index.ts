import { type Deployment, recoverAddress } from "@depinfer/chain";
import type { Host, OfferChange, Unsubscribe } from "@depinfer/network";
import { errorMessage, type Log, type Offer, ownershipDigest, pricesToJson } from "@depinfer/protocol";
import type { Database } from "./database.ts";

export interface OfferIndexModules {
  readonly host: Host;
  readonly db: Database;
  readonly deployment: Deployment;
  readonly log: Log;
  /** Told of an offer that is new, or whose price or slots changed. */
  readonly onOffer?: (offer: Offer) => void;
}

const MINUTE_MS = 60_000;
/** Stands for the indexer itself: what nobody looked at is nobody's absence. */
export const OBSERVER = "";
/** Presence is kept so long. */
export const PRESENCE_KEPT_MS = 31 * 24 * 60 * MINUTE_MS;

/** Keeps the offers that are heard, their prices over time, and in which minutes each provider had one that was live. */
export function indexOffers(modules: OfferIndexModules): Unsubscribe {
  const { host, db, deployment, log, onOffer } = modules;
  const ownerOf = (offer: Offer) => signedOwner(offer, deployment);
  const known = new Map<string, string>();
  // Offers of one provider in the order in which they were heard.
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = (work: () => Promise<unknown>) => {
    last = last.then(work).catch((error: unknown) => log("warn", `an offer was not stored: ${errorMessage(error)}`));
  };

  function take({ offer }: Pick<OfferChange, "offer">): void {
    inOrder(() => saveOffer(db, offer, ownerOf(offer), Date.now()));
    const key = `${offer.peerId} ${offer.classId}`;
    const { outputPerMillion, inputPerMillion } = offer.prices;
    const state = `${outputPerMillion} ${inputPerMillion} ${offer.slots} ${offer.idleSlots}`;
    if (known.get(key) !== state) {
      known.set(key, state);
      onOffer?.(offer);
    }
  }

  for (const offer of host.offers.offers()) {
    take({ offer });
  }
  const forget = host.offers.onChange(take);
  const look = () => inOrder(() => notePresence(db, Date.now()));
  look();
  const timer = setInterval(look, MINUTE_MS);
  return () => {
    clearInterval(timer);
    forget();
  };
}

/** The owner that signed for the provider; null where nobody did, and where the signature is another's. */
function signedOwner({ provider, ownership }: Offer, { chainId, addresses }: Deployment): string | null {
  if (ownership === undefined) {
    return null;
  }
  try {
    const digest = ownershipDigest(provider, { chainId, verifyingContract: addresses.providerRegistry });
    return recoverAddress(digest, ownership.signature) === ownership.owner ? ownership.owner : null;
  } catch {
    // No signature of anybody's.
    return null;
  }
}

async function saveOffer(db: Database, offer: Offer, owner: string | null, now: number): Promise<void> {
  const { peerId, classId, provider, model, region, proofLevel, prices, expiresAt } = offer;
  const { outputPerMillion, inputPerMillion } = pricesToJson(prices);
  const json = JSON.stringify({ ...offer, prices: pricesToJson(prices) });
  await db.transaction(async (query) => {
    // One that was not there a moment ago came now.
    await query(
      "INSERT INTO arrivals SELECT $1, $2::bigint WHERE NOT EXISTS (SELECT 1 FROM offers WHERE provider = $1 AND expires_at > $2) ON CONFLICT DO NOTHING",
      [provider, now],
    );
    await query(
      `INSERT INTO offers (peer_id, class_id, provider, model, region, proof_level, output_price, input_price, first_seen, heard_at, expires_at, offer, owner)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12)
       ON CONFLICT (peer_id, class_id) DO UPDATE SET provider = excluded.provider, model = excluded.model, region = excluded.region,
         owner = excluded.owner, proof_level = excluded.proof_level, output_price = excluded.output_price, input_price = excluded.input_price,
         heard_at = excluded.heard_at, expires_at = excluded.expires_at, offer = excluded.offer`,
      [
        peerId,
        classId,
        provider,
        model,
        region,
        proofLevel,
        outputPerMillion,
        inputPerMillion,
        now,
        expiresAt,
        json,
        owner,
      ],
    );
    const [open] = await query(
      `SELECT since FROM offer_prices WHERE peer_id = $1 AND class_id = $2 AND model = $3 AND output_price = $4 AND input_price = $5 AND until >= $6
       ORDER BY since DESC LIMIT 1`,
      [peerId, classId, model, outputPerMillion, inputPerMillion, now],
    );
    // A dearer or cheaper offer ends the one before it; the same price only lasts longer.
    await query("UPDATE offer_prices SET until = $3 WHERE peer_id = $1 AND class_id = $2 AND until > $3", [
      peerId,
      classId,
      now,
    ]);
    await query(
      `INSERT INTO offer_prices VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (peer_id, class_id, since) DO UPDATE SET output_price = excluded.output_price, input_price = excluded.input_price, until = excluded.until`,
      [
        peerId,
        classId,
        model,
        outputPerMillion,
        inputPerMillion,
        open === undefined ? now : Number(open.since),
        expiresAt,
      ],
    );
    await query("INSERT INTO presence VALUES ($1, $2) ON CONFLICT DO NOTHING", [provider, minuteOf(now)]);
  });
}

/** Notes that this indexer looks now, and who is there. */
export async function notePresence(db: Database, now: number): Promise<void> {
  const minute = minuteOf(now);
  await db.query("INSERT INTO presence VALUES ($1, $2) ON CONFLICT DO NOTHING", [OBSERVER, minute]);
  await db.query(
    "INSERT INTO presence SELECT DISTINCT provider, $1::bigint FROM offers WHERE expires_at > $2 ON CONFLICT DO NOTHING",
    [minute, now],
  );
  await db.query("DELETE FROM presence WHERE minute < $1", [minute - PRESENCE_KEPT_MS]);
  await db.query("DELETE FROM arrivals WHERE at < $1", [minute - PRESENCE_KEPT_MS]);
}

/** Start of the minute. */
export function minuteOf(at: number): number {
  return at - (at % MINUTE_MS);
}

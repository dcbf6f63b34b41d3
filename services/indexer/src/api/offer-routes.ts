import type { SqlRow } from "../database.ts";
import { qualityDeltaOf } from "../quality.ts";
import { bucketsOf } from "./network-routes.ts";
import { type Handlers, page, type Reader, requireRow } from "./reader.ts";

const range = (column: string, filter: string) =>
  `CASE WHEN count(*) FILTER (WHERE ${filter}) = 0 THEN NULL ELSE jsonb_build_object(
    'least', (min(${column}) FILTER (WHERE ${filter}))::text,
    'median', (percentile_disc(0.5) WITHIN GROUP (ORDER BY ${column}) FILTER (WHERE ${filter}))::text,
    'most', (max(${column}) FILTER (WHERE ${filter}))::text) END`;

/** Classes of models that were ever offered here; `$1` is now. What a class is made of stands in its newest offer. */
const MODELS = `SELECT o.model, o.class_id AS "classId",
  (array_agg(o.offer ORDER BY o.heard_at DESC))[1] AS newest,
  count(DISTINCT o.provider) FILTER (WHERE o.expires_at > $1) AS providers,
  coalesce(sum((o.offer->>'slots')::bigint) FILTER (WHERE o.expires_at > $1), 0)::bigint AS slots,
  coalesce(sum((o.offer->>'idleSlots')::bigint) FILTER (WHERE o.expires_at > $1), 0)::bigint AS "idleSlots",
  ${range("o.output_price", "o.expires_at > $1")} AS "outputPrice",
  ${range("o.input_price", "o.expires_at > $1")} AS "inputPrice",
  (SELECT count(*) FROM receipts r WHERE r.class_id = o.class_id) AS receipts
FROM offers o WHERE ($2::text IS NULL OR o.model = $2) GROUP BY o.model, o.class_id ORDER BY o.model, o.class_id`;

async function modelsOf({ db }: Reader, model: string | null) {
  const classes = (await db.query(MODELS, [Date.now(), model])).map(classView);
  const names = [...new Set(classes.map((one) => one.model))];
  return names.map((name) => ({
    model: name,
    classes: classes.filter((one) => one.model === name).map(({ model: _, ...rest }) => rest),
  }));
}

function classView({ newest, model, ...row }: SqlRow) {
  const offer = recordOf(newest);
  const parts = recordOf(offer.get("runtimeClass"));
  return {
    ...row,
    model: String(model),
    weights: parts.get("weights") ?? null,
    quantisation: parts.get("quantisation") ?? null,
    engine: parts.get("engine") ?? null,
    backend: parts.get("backend") ?? null,
    proofLevel: offer.get("proofLevel"),
    contextLength: offer.get("contextLength"),
    features: offer.get("features") ?? [],
    qualityDelta: qualityDeltaOf(parts.get("weights")),
  };
}

function recordOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

const OFFERS = `SELECT o.offer, o.first_seen AS "firstSeen", o.heard_at AS at, o.expires_at > $1 AS online FROM offers o
WHERE ($2::text IS NULL OR o.model ILIKE $2) AND ($3::text IS NULL OR o.region = $3) AND ($4::text IS NULL OR o.proof_level = $4)
  AND ($5::numeric IS NULL OR o.output_price <= $5) AND ($6::text IS NULL OR o.offer->'features' ? $6)
ORDER BY o.expires_at > $1 DESC, o.output_price, o.provider, o.class_id`;

/** Live offers in each bucket; `$1` model, `$2` start, `$3` width, `$4` points. */
const PRICES = `SELECT slot, count(*) FILTER (WHERE p.model IS NOT NULL) AS offers,
  ${range("p.output_price", "p.model IS NOT NULL")} AS output, ${range("p.input_price", "p.model IS NOT NULL")} AS input
FROM generate_series(0, $4::int - 1) slot
LEFT JOIN offer_prices p ON p.model = $1 AND p.since < $2::bigint + (slot + 1) * $3::bigint AND p.until > $2::bigint + slot * $3::bigint
  AND p.since <= $5::bigint AND $2::bigint + slot * $3::bigint <= $5::bigint
GROUP BY slot ORDER BY slot`;

export const offerHandlers: Handlers<"offers" | "models" | "model" | "prices"> = {
  offers: (reader, { model, region, proofLevel, feature, maxOutputPrice, ...rest }) =>
    page(
      reader,
      OFFERS,
      [
        Date.now(),
        model === undefined ? null : `%${model.replaceAll(/[\\%_]/g, "\\$&")}%`,
        region ?? null,
        proofLevel ?? null,
        maxOutputPrice ?? null,
        feature ?? null,
      ],
      rest,
    ),
  models: (reader) => reader.shared.models(async () => ({ data: await modelsOf(reader, null) })),
  async model(reader, _, { model = "" }) {
    const [found] = await modelsOf(reader, model);
    return requireRow(found, `Model ${JSON.stringify(model)}`);
  },
  async prices({ db }, { model, ...asked }) {
    const now = Date.now();
    const { start, width, points } = bucketsOf(asked, now);
    const rows = await db.query(PRICES, [model, start, width, points, now]);
    return {
      model,
      bucket: asked.bucket,
      points: rows.map(({ slot, ...row }) => ({ ...row, at: start + Number(slot) * width })),
    };
  },
};

import type { Log } from "@depinfer/protocol";
import type { Database } from "./database.ts";
import { DROP_ALL, SCHEMA, SCHEMA_VERSION } from "./schema.ts";

const VERSION_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";

/** Makes the tables. Those of another version are dropped: everything in them can be read again. */
export async function prepareDatabase(db: Database, log: Log): Promise<void> {
  await db.query(VERSION_TABLE);
  const [known] = await db.query("SELECT version FROM schema_version");
  if (known === undefined || Number(known.version) !== SCHEMA_VERSION) {
    if (known !== undefined) {
      log("info", "the index is of another version; reading everything again");
    }
    for (const statement of DROP_ALL) {
      await db.query(statement);
    }
    await db.query("DELETE FROM schema_version");
    await db.query("INSERT INTO schema_version VALUES ($1)", [SCHEMA_VERSION]);
  }
  for (const statement of SCHEMA.split(";").filter((text) => text.trim() !== "")) {
    await db.query(statement);
  }
}

/**
 * A rate: as much as `perMinute` at once, and it fills again evenly. The level may be below zero where something turned
 * out larger than it was taken for.
 */
export interface Bucket {
  readonly level: number;
  /** Milliseconds since 1970 at which the level was so. */
  readonly at: number;
}

const MINUTE_MS = 60_000;

/** The bucket as it is at `now`. A clock that goes back fills nothing and takes nothing. */
export function filled(bucket: Bucket | undefined, perMinute: number, now: number): Bucket {
  if (bucket === undefined) {
    return { level: perMinute, at: now };
  }
  const passed = Math.max(0, now - bucket.at);
  return { level: Math.min(perMinute, bucket.level + (passed * perMinute) / MINUTE_MS), at: Math.max(now, bucket.at) };
}

/** Milliseconds until the bucket holds `amount`; 0 when it does. More than it can ever hold counts as a full one. */
export function waitFor(bucket: Bucket, perMinute: number, amount: number): number {
  const missing = Math.min(amount, perMinute) - bucket.level;
  return missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / perMinute);
}

export function taken(bucket: Bucket, amount: number): Bucket {
  return { ...bucket, level: bucket.level - amount };
}

/** What was taken and not used comes back, up to a full bucket. */
export function givenBack(bucket: Bucket, perMinute: number, amount: number): Bucket {
  return { ...bucket, level: Math.min(perMinute, bucket.level + amount) };
}

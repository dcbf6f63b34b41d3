/** Microseconds of processor time, user and system, that this process has used so far, over all of its threads. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export interface Cost {
  readonly cpuMicros: number;
  readonly wallMicros: number;
}

/** What `work` costs this process. */
export async function costOf(work: () => unknown): Promise<Cost> {
  const cpu = cpuMicros();
  const started = performance.now();
  await work();
  return { cpuMicros: cpuMicros() - cpu, wallMicros: (performance.now() - started) * 1000 };
}

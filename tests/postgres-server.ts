import { execFile, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A PostgreSQL server of a test's own, in a folder of its own. */
export interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const INSTALLED = "/usr/lib/postgresql";

/** Folder of the newest server programs, or null where none are installed. */
export function serverPrograms(): string | null {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions
    .map((version) => join(INSTALLED, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")));
  return found ?? null;
}

export async function startServer(bin: string): Promise<TestServer> {
  const home = mkdtempSync(join(tmpdir(), "depinfer-postgres-"));
  const data = join(home, "data");
  const user = await ordinaryUser();
  if (user !== null) {
    chownSync(home, user.uid, user.gid);
  }
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  await run(join(bin, "initdb"), ["-D", data, "-U", "depinfer", "-A", "trust", "--no-sync"], { ...as, cwd: home });
  const port = await freePort();
  const child = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", `${port}`, "-k", home, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
    { ...as, cwd: home, stdio: "ignore" },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for (let tries = 0; ; tries++) {
    const up = await run(join(bin, "pg_isready"), ["-h", "127.0.0.1", "-p", `${port}`]).then(
      () => true,
      () => false,
    );
    if (up) {
      break;
    }
    if (tries > 200) {
      throw new Error("PostgreSQL did not start");
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `postgresql://depinfer@127.0.0.1:${port}/postgres`,
    async stop() {
      child.kill("SIGINT");
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root; its package brings a user for it. */
async function ordinaryUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) {
    return null;
  }
  const id = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = address !== null && typeof address === "object" ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

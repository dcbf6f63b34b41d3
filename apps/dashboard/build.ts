import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const here = import.meta.dirname;
const root = join(here, "../..");
const dist = join(here, "dist");
/** Tells of which sources a build is. */
const STAMP = ".sources";
/** What the app is made of. */
const SOURCES = [
  ...["src", "public", "index.html", "vite.config.ts", "package.json"].map((name) => join(here, name)),
  ...["protocol", "economics", "proof"].map((name) => join(root, "packages", name, "src")),
  join(root, "simulation/economy"),
  join(root, "package-lock.json"),
];
/** Files that are worth compressing ahead. */
const COMPRESSED = [".js", ".css", ".html", ".svg", ".json"];

/** Where the built app lies, whether or not it was built. */
export const dashboardFolder = dist;

/**
 * Builds the app when its sources are others than those of the last build. Several processes may do so at once: each
 * builds in a folder of its own and puts it in place whole.
 *
 * @returns the folder with the app.
 */
export async function buildDashboard(log: (line: string) => void = () => undefined): Promise<string> {
  const wanted = fingerprint();
  if (stampOf(dist) === wanted) {
    return dist;
  }
  log("building the dashboard (again only when its sources change)");
  const started = performance.now();
  const fresh = join(root, "node_modules/.cache", `dashboard-${randomBytes(4).toString("hex")}`);
  try {
    const { build } = await import("vite");
    await build({
      root: here,
      configFile: join(here, "vite.config.ts"),
      logLevel: "error",
      build: { outDir: fresh, emptyOutDir: true },
    });
    await compress(fresh);
    await writeFile(join(fresh, STAMP), wanted);
    await replace(fresh, wanted);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  log(`built the dashboard in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return dist;
}

async function replace(fresh: string, wanted: string): Promise<void> {
  const old = `${fresh}-old`;
  try {
    if (existsSync(dist)) {
      renameSync(dist, old);
    }
    await rename(fresh, dist);
  } catch (error) {
    // Somebody else put the same build there between the two steps.
    if (stampOf(dist) !== wanted) {
      throw error;
    }
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

function stampOf(folder: string): string {
  const file = join(folder, STAMP);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    for (const file of filesOf(source)) {
      hash.update(file.slice(root.length)).update("\0").update(readFileSync(file)).update("\0");
    }
  }
  return hash.digest("hex");
}

function filesOf(path: string): readonly string[] {
  if (!existsSync(path)) {
    return [];
  }
  if (extname(path) !== "") {
    return [path];
  }
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes(".test."))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Puts `.br` and `.gz` beside what compresses well, so that serving it costs nothing. */
async function compress(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && COMPRESSED.includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
  await Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(file);
      const [brotli, gzipped] = await Promise.all([
        promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
        promisify(gzip)(bytes, { level: 9 }),
      ]);
      await Promise.all([writeFile(`${file}.br`, brotli), writeFile(`${file}.gz`, gzipped)]);
    }),
  );
}

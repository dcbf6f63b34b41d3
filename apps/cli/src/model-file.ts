import { join } from "node:path";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { defaultHome, embeddedModels } from "./home.ts";

/** A download that brings nothing for so long is given up; the downloader itself would try for ever. */
const STALLED_MS = 15_000;

/**
 * The path of the weights that `--model` means: a path as it is; a URL or an `hf:` reference is downloaded once, with
 * progress, into the `models` folder of the home. Without a reference, the embedded test model.
 *
 * @throws DepinferError `model.download`.
 */
export async function resolveModel(reference: string | undefined): Promise<string> {
  if (reference === undefined) {
    return embeddedModels.tiny;
  }
  if (!/^(hf:|https?:\/\/)/.test(reference)) {
    return reference;
  }
  const stalled = new AbortController();
  const arm = () =>
    setTimeout(() => stalled.abort(new Error(`nothing arrived for ${STALLED_MS / 1000} s`)), STALLED_MS);
  let timer = arm();
  const gaveUp = new Promise<never>((_, reject) => {
    stalled.signal.addEventListener("abort", () => reject(stalled.signal.reason), { once: true });
  });
  try {
    const { resolveModelFile } = await import("node-llama-cpp");
    const download = resolveModelFile(reference, {
      directory: join(defaultHome(), "models"),
      cli: process.stderr.isTTY === true,
      signal: stalled.signal,
      onProgress() {
        clearTimeout(timer);
        timer = arm();
      },
    });
    return await Promise.race([download, gaveUp]);
  } catch (cause) {
    throw new DepinferError({
      code: "model.download",
      message: `${reference} could not be downloaded: ${errorMessage(cause)}`,
      remedy: "Check the reference and the network, or download the file yourself and pass its path",
      metadata: { reference },
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

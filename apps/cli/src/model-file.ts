import { join } from "node:path";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { defaultHome, embeddedModels } from "./home.ts";

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
  try {
    const { resolveModelFile } = await import("node-llama-cpp");
    return await resolveModelFile(reference, { directory: join(defaultHome(), "models"), cli: process.stderr.isTTY });
  } catch (cause) {
    throw new DepinferError({
      code: "model.download",
      message: `${reference} could not be downloaded: ${errorMessage(cause)}`,
      remedy: "Check the reference and the network, or download the file yourself and pass its path",
      metadata: { reference },
      cause,
    });
  }
}

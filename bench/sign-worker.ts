import { parentPort, workerData } from "node:worker_threads";
import { createSigner } from "@depinfer/chain";
import { fromHex } from "@depinfer/protocol";

/* Signs digests for the thread that started it: what a pool of signing workers would be. */

const signer = createSigner(workerData);
parentPort?.on("message", (digests: readonly Uint8Array[]) => {
  parentPort?.postMessage(digests.map((digest) => fromHex(signer.sign(digest), 65)));
});

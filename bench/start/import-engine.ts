/* Loads what every provider and validator needs: the transport and the engine. Loads no weights, and ends. */
import "@chainsafe/libp2p-quic";
import "@libp2p/gossipsub";
import "@libp2p/kad-dht";
import "@libp2p/noise";
import "@libp2p/tcp";
import "@libp2p/yamux";
import "libp2p";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

await getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: 1 });
process.exit(0);

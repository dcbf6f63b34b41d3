/* Loads what every service of a network needs to talk to the others, and ends. */
import "@chainsafe/libp2p-quic";
import "@libp2p/gossipsub";
import "@libp2p/kad-dht";
import "@libp2p/noise";
import "@libp2p/tcp";
import "@libp2p/yamux";
import "libp2p";

process.exit(0);

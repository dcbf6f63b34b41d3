import { type QuicComponents, quic } from "@chainsafe/libp2p-quic";
import type { Connection, DialTransportOptions, Transport } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { abandonOn } from "./abandon.ts";

/**
 * The QUIC transport with dials that end when they are told to. The native dialler ignores the abort signal and tries
 * for longer than a whole dial may take, so that TCP would never get its turn where a firewall swallows UDP.
 */
export function abortableQuic(): (components: QuicComponents) => Transport {
  return (components) => {
    const transport = quic()(components);
    const dial = transport.dial.bind(transport);
    transport.dial = (address: Multiaddr, options: DialTransportOptions) => {
      const connecting = dial(address, options);
      const tooLate = (connection: Connection): void => connection.abort(new Error("the dial was abandoned"));
      return options.signal === undefined ? connecting : abandonOn(options.signal, connecting, tooLate);
    };
    return transport;
  };
}

import { lookup } from "node:dns/promises";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { transportOf } from "./addresses.ts";

const FAMILY: Readonly<Record<string, 0 | 4 | 6>> = { dns: 0, dns4: 4, dns6: 6 };

/**
 * QUIC addresses with host names turned into addresses with numbers, which is all that the QUIC transport dials. Other
 * transports look names up themselves.
 *
 * @throws the look-up's error when nothing is left to dial.
 */
export async function resolveNames(addresses: readonly Multiaddr[]): Promise<readonly Multiaddr[]> {
  const results = await Promise.allSettled(addresses.map(resolveName));
  const resolved = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  const failed = results.find((result) => result.status === "rejected");
  if (resolved.length === 0 && failed !== undefined) {
    throw failed.reason;
  }
  return resolved;
}

async function resolveName(address: Multiaddr): Promise<readonly Multiaddr[]> {
  const [host] = address.getComponents();
  const family = host === undefined ? undefined : FAMILY[host.name];
  if (host?.value === undefined || family === undefined || transportOf(address) !== "quic") {
    return [address];
  }
  const rest = address.toString().slice(`/${host.name}/${host.value}`.length);
  const found = await lookup(host.value, { all: true, family });
  return found.map((ip) => multiaddr(`/ip${ip.family}/${ip.address}${rest}`));
}

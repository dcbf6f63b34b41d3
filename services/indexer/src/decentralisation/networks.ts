import { BlockList, isIP } from "node:net";

/*
 * In whose network a provider is, as far as its announced addresses tell. Without a table of autonomous systems the
 * prefixes that registries give out stand for them: /16 of IPv4, /32 of IPv6. An operator with several prefixes looks like
 * several, so a figure over them is a bound from above.
 */

/** Addresses that say nothing about where a machine is (RFC 6890). */
const UNROUTED = new BlockList();
for (const [network, prefix, family] of [
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  ["::", 127, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
] as const) {
  UNROUTED.addSubnet(network, prefix, family);
}

/** The network of the first multiaddr that can be reached from everywhere, such as `203.0.0.0/16`; null where none can. */
export function networkOf(addresses: readonly string[]): string | null {
  for (const address of addresses) {
    const [, protocol, ip = ""] = address.split("/");
    if (protocol === "ip4" && isIP(ip) === 4 && !UNROUTED.check(ip, "ipv4")) {
      return `${ip.split(".").slice(0, 2).join(".")}.0.0/16`;
    }
    if (protocol === "ip6" && isIP(ip) === 6 && !UNROUTED.check(ip, "ipv6")) {
      return `${expanded(ip).slice(0, 2).join(":")}::/32`;
    }
  }
  return null;
}

/** The eight groups of an IPv6 address, without leading zeros. */
function expanded(ip: string): readonly string[] {
  const [head = "", tail] = ip.split("::");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: missing }, () => "0"), ...after];
}

function groups(text: string): readonly string[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16).toString(16));
}

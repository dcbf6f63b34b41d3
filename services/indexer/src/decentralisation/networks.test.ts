import { expect, test } from "vitest";
import { networkOf } from "./networks.ts";

test.each([
  [["/ip4/203.0.113.7/udp/4001/quic-v1"], "203.0.0.0/16"],
  [["/ip4/127.0.0.1/tcp/4001", "/ip4/198.51.100.9/tcp/4001"], "198.51.0.0/16"],
  [["/ip6/2001:db8:1::7/tcp/4001"], "2001:db8::/32"],
  [["/ip6/2001:0db8::/tcp/4001"], "2001:db8::/32"],
  [["/ip6/2a00::1/tcp/4001"], "2a00:0::/32"],
])("%j is in %s", (addresses, network) => {
  expect(networkOf(addresses)).toBe(network);
});

test.each([
  [[]],
  [["/ip4/127.0.0.1/udp/4001/quic-v1"]],
  [["/ip4/192.168.1.4/tcp/1", "/ip4/10.1.2.3/tcp/1", "/ip4/172.20.0.1/tcp/1", "/ip4/100.64.3.3/tcp/1"]],
  [["/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip6/fd00::1/tcp/1"]],
  [["/dns4/provider.example/tcp/1"]],
  [["/ip4/999.1.1.1/tcp/1", "/ip4/1.2/tcp/1", "ip4/8.8.8.8", "", "/ip4", "/ip6/8.8.8.8/tcp/1", "/ip4/::1"]],
])("%j says nothing about where a machine is", (addresses) => {
  expect(networkOf(addresses)).toBeNull();
});

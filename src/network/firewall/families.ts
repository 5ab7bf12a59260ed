// The two families of addresses, as rules see them.

import type { NatFamily, PayloadField } from "#formats/nftables/expressions.ts";
import type { TableFamily } from "#formats/nftables/messages.ts";
import type { DataType } from "#formats/nftables/sets.ts";

export interface Family extends NatFamily {
  readonly name: TableFamily;
  readonly version: 4 | 6;
  readonly addressType: DataType;
  readonly source: PayloadField;
  readonly destination: PayloadField;
  /** Number of the protocol whose messages tell of failures and echoes. */
  readonly icmp: number;
  readonly loopback: { readonly address: Uint8Array; readonly prefixLength: number };
}

const field = (offset: number, length: number): PayloadField => ({ header: "network", offset, length });

export const ipv4: Family = {
  name: "ip",
  version: 4,
  protocol: 2,
  addressLength: 4,
  addressType: "ipv4_addr",
  source: field(12, 4),
  destination: field(16, 4),
  icmp: 1,
  loopback: { address: Uint8Array.of(127, 0, 0, 0), prefixLength: 8 },
};

const ipv6: Family = {
  name: "ip6",
  version: 6,
  protocol: 10,
  addressLength: 16,
  addressType: "ipv6_addr",
  source: field(8, 16),
  destination: field(24, 16),
  icmp: 58,
  loopback: { address: new Uint8Array(16).fill(1, 15), prefixLength: 128 },
};

export const families: readonly Family[] = [ipv4, ipv6];

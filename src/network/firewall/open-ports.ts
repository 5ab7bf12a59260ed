// Ports that are reached by the containers' own addresses: published ones of routed networks, and those of trusted interfaces.
// Several published ports may lead to one, or overlap, so what is open is the union of them.

import { addressBytes, parseAddress } from "#formats/ip-prefix.ts";
import { concatenate, type Element } from "#formats/nftables/sets.ts";
import type { Family } from "./families.ts";
import { type Publication, portBytes, protocols } from "./published.ts";
import type { PortRange } from "./range-shift.ts";

interface OpenRange extends PortRange {
  readonly address: string;
  readonly proto: keyof typeof protocols;
}

const groupOf = ({ containerAddress, port }: Publication): string => `${containerAddress} ${port.proto}`;

function union(ranges: readonly OpenRange[]): readonly OpenRange[] {
  const merged: OpenRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.first - other.first)) {
    const last = merged.at(-1);
    if (last === undefined || range.first > last.last + 1) merged.push(range);
    else merged[merged.length - 1] = { ...last, last: Math.max(last.last, range.last) };
  }
  return merged;
}

/** Disjoint, in no order that matters. */
export function openRanges(publications: readonly Publication[]): readonly OpenRange[] {
  const groups = Map.groupBy(publications, groupOf);
  return [...groups.values()].flatMap((group) =>
    union(
      group.map(({ containerAddress: address, port: { proto, containerPort: first, containerPortEnd } }) => ({
        ...{ address, proto, first },
        last: containerPortEnd ?? first,
      })),
    ),
  );
}

export function openElements(family: Family, ranges: readonly OpenRange[]): readonly Element[] {
  return ranges.flatMap(({ address, proto, first, last }) => {
    const parsed = parseAddress(address);
    if (parsed.family !== family.version) return [];
    const key = (port: number): Uint8Array =>
      concatenate(addressBytes(parsed), Uint8Array.of(protocols[proto]), portBytes(port));
    return [{ key: key(first), last: key(last) }];
  });
}

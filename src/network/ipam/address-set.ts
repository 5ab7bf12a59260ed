// Which addresses of one subnet are taken. Choosing the next one costs the same however many are.

import { holds, lastOf, type Prefix, sizeOf } from "#formats/ip-prefix.ts";

/** A part of the subnet that addresses are chosen from. */
export interface AddressRange {
  readonly subnet: Prefix;
  /** No address of the range below is free. */
  lowest: bigint;
  /** The one that was chosen last. */
  last: bigint;
}

export class AddressSet {
  readonly #taken = new Set<bigint>();
  readonly #ranges = new Set<AddressRange>();

  /** The subnet's first address is never given (network address; in IPv6 that of any router), nor IPv4's broadcast address. Links of two
   *  hosts (RFC 3021) and subnets of one address have neither. */
  constructor(subnet: Prefix) {
    const isTiny = subnet.family === 4 && sizeOf(subnet) <= 2n;
    if (!isTiny) this.#taken.add(subnet.value);
    if (!isTiny && subnet.family === 4) this.#taken.add(lastOf(subnet));
  }

  /** `subnet` is within the set's own. */
  openRange(subnet: Prefix): AddressRange {
    const range = { subnet, lowest: subnet.value, last: subnet.value - 1n };
    this.#ranges.add(range);
    return range;
  }

  closeRange(range: AddressRange): void {
    this.#ranges.delete(range);
  }

  /** Takes this very address; false if it is taken already. */
  take(address: bigint): boolean {
    if (this.#taken.has(address)) return false;
    this.#taken.add(address);
    return true;
  }

  /** The lowest free one; undefined when all are taken. */
  takeLowest(range: AddressRange): bigint | undefined {
    const end = lastOf(range.subnet);
    while (range.lowest <= end && this.#taken.has(range.lowest)) range.lowest++;
    if (range.lowest > end) return undefined;
    return this.#give(range, range.lowest);
  }

  /** The next free one after the one that was chosen last, from the beginning again after the end; undefined when all are taken. */
  takeNext(range: AddressRange): bigint | undefined {
    const end = lastOf(range.subnet);
    for (let address = range.last + 1n; address <= end; address++)
      if (!this.#taken.has(address)) return this.#give(range, address);
    return this.takeLowest(range);
  }

  #give(range: AddressRange, address: bigint): bigint {
    this.#taken.add(address);
    range.last = address;
    return address;
  }

  release(address: bigint): void {
    this.#taken.delete(address);
    for (const range of this.#ranges)
      if (address >= range.subnet.value && address < range.lowest) range.lowest = address;
  }

  get count(): number {
    return this.#taken.size;
  }

  countIn(subnet: Prefix): number {
    let count = 0;
    for (const value of this.#taken) if (holds(subnet, { family: subnet.family, value })) count++;
    return count;
  }
}

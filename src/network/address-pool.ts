// Addresses of one subnet. The lowest free one is given first, as Docker does.

import { systemError } from "#base/errors.ts";
import { contains, formatIpv4, type Subnet, sizeOf } from "#formats/ipv4.ts";

export interface AddressUsage {
  /** With those that are never given. */
  readonly taken: number;
  /** Those that can still be chosen. */
  readonly free: number;
}

export class AddressPool {
  readonly #subnet: Subnet;
  readonly #range: Subnet;
  readonly #taken = new Set<number>();
  /** No address below is free. */
  #lowest: number;

  /** Addresses are chosen within `range`, the subnet's own first and last address are never given. */
  constructor(subnet: Subnet, range: Subnet = subnet) {
    this.#subnet = subnet;
    this.#range = range;
    this.#lowest = range.address;
    if (sizeOf(subnet) > 2) {
      this.#taken.add(subnet.address);
      this.#taken.add(subnet.address + sizeOf(subnet) - 1);
    }
  }

  /** undefined when all are taken. */
  allocate(): number | undefined {
    const end = this.#range.address + sizeOf(this.#range);
    while (this.#lowest < end && this.#taken.has(this.#lowest)) this.#lowest++;
    if (this.#lowest >= end) return undefined;
    this.#taken.add(this.#lowest);
    return this.#lowest++;
  }

  /** Takes this very address; false if it is taken already. */
  take(address: number): boolean {
    if (!contains(this.#subnet, address))
      throw systemError(
        `Invalid address ${formatIpv4(address)}: It does not belong to any of this network's subnets`,
      );
    if (this.#taken.has(address)) return false;
    this.#taken.add(address);
    return true;
  }

  usage(): AddressUsage {
    const taken = [...this.#taken].filter((address) => contains(this.#range, address)).length;
    return { taken: this.#taken.size, free: sizeOf(this.#range) - taken };
  }

  release(address: number): void {
    this.#taken.delete(address);
    if (contains(this.#range, address)) this.#lowest = Math.min(this.#lowest, address);
  }
}

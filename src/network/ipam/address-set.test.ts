import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, lastOf, type Prefix, parseAddress, parsePrefix, sizeOf } from "#formats/ip-prefix.ts";
import { type AddressRange, AddressSet } from "./address-set.ts";

const prefix = (text: string): Prefix => parsePrefix(text);
const value = (text: string): bigint => parseAddress(text).value;

function open(text: string, part = text) {
  const addresses = new AddressSet(prefix(text));
  const range = addresses.openRange(prefix(part));
  const show = (found: bigint | undefined): string | undefined =>
    found === undefined ? undefined : formatAddress({ family: range.subnet.family, value: found });
  return {
    addresses,
    lowest: () => show(addresses.takeLowest(range)),
    next: () => show(addresses.takeNext(range)),
  };
}

test("the lowest released address is given next", () => {
  const { addresses, lowest } = open("10.0.0.0/24");
  const given = [lowest(), lowest(), lowest()];
  addresses.release(value("10.0.0.2"));
  assert.deepEqual(
    [...given, lowest(), lowest()],
    ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.2", "10.0.0.4"],
  );
});

test("serially, a released address is given again after all others", () => {
  const { addresses, next } = open("10.0.0.0/29");
  const given = [next(), next(), next()];
  addresses.release(value("10.0.0.1"));
  assert.deepEqual(given, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assert.deepEqual(
    [next(), next(), next(), next(), next()],
    ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.1", undefined],
  );
});

test("the addresses that no host has are never given", () => {
  const all = (text: string): readonly (string | undefined)[] => {
    const { lowest } = open(text);
    return [lowest(), lowest(), lowest(), lowest()];
  };
  assert.deepEqual(all("10.0.0.0/30"), ["10.0.0.1", "10.0.0.2", undefined, undefined]);
  assert.deepEqual(all("10.0.0.0/31"), ["10.0.0.0", "10.0.0.1", undefined, undefined]);
  assert.deepEqual(all("10.0.0.0/32"), ["10.0.0.0", undefined, undefined, undefined]);
  assert.deepEqual(all("fd00::/126"), ["fd00::1", "fd00::2", "fd00::3", undefined]);
  assert.deepEqual(all("fd00::/64"), ["fd00::1", "fd00::2", "fd00::3", "fd00::4"]);
});

test("a range limits what is chosen, not what may be taken", () => {
  const { addresses, lowest } = open("10.0.0.0/24", "10.0.0.128/31");
  assert.deepEqual([lowest(), lowest(), lowest()], ["10.0.0.128", "10.0.0.129", undefined]);
  assert.equal(addresses.take(value("10.0.0.7")), true);
  assert.equal(addresses.take(value("10.0.0.7")), false);
});

/** Takes the lowest or the next one, or one by number; or releases one of those that are taken, by number. */
type Step = { readonly take: "lowest" | "next" | number } | { readonly release: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ take: fc.oneof(fc.constantFrom("lowest" as const, "next" as const), fc.nat(40)) }),
  fc.record({ release: fc.nat(40) }),
);

/** A set, and beside it what must be true of it. */
class Checked {
  readonly #subnet: Prefix;
  readonly #addresses: AddressSet;
  readonly #range: AddressRange;
  readonly #never: number;
  readonly #owned = new Set<bigint>();

  constructor(text: string) {
    this.#subnet = prefix(text);
    this.#addresses = new AddressSet(this.#subnet);
    this.#range = this.#addresses.openRange(this.#subnet);
    this.#never = this.#addresses.count;
  }

  run(one: Step): void {
    if ("release" in one) this.#release([...this.#owned][one.release]);
    else if (typeof one.take === "number") this.#take(this.#subnet.value + BigInt(one.take) + 1n);
    else this.#choose(one.take);
    assert.equal(this.#addresses.count, this.#owned.size + this.#never);
  }

  #release(address: bigint | undefined): void {
    if (address === undefined) return;
    this.#owned.delete(address);
    this.#addresses.release(address);
  }

  #take(address: bigint): void {
    if (address >= lastOf(this.#subnet)) return;
    assert.equal(this.#addresses.take(address), !this.#owned.has(address));
    this.#owned.add(address);
  }

  #choose(how: "lowest" | "next"): void {
    const address =
      how === "lowest" ? this.#addresses.takeLowest(this.#range) : this.#addresses.takeNext(this.#range);
    if (address === undefined) assert.equal(BigInt(this.#owned.size + this.#never), sizeOf(this.#subnet));
    else assert.equal(this.#owned.has(address), false);
    if (address !== undefined) this.#owned.add(address);
  }
}

test("whatever is taken and released: no address has two owners, none is refused while one is free", () => {
  const subnets = fc.constantFrom("10.0.0.0/29", "10.0.0.0/28", "fd00::/124", "fd00::/64");
  fc.assert(
    fc.property(subnets, fc.array(step, { maxLength: 120 }), (text, steps) => {
      const checked = new Checked(text);
      for (const one of steps) checked.run(one);
    }),
  );
});

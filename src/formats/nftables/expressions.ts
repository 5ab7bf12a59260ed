// Expressions of nftables rules (linux/netfilter/nf_tables.h): small steps on registers, read left to right.
// The verdict register is 0; registers 1 to 4 are 16 bytes each, 8 to 23 the same space in words of 4 bytes.

import { attribute, be32, nested, text, uint32 } from "../netlink/attributes.ts";
import { DATA_VALUE, encodeVerdict, type Verdict } from "./verdicts.ts";

const EXPR_NAME = 1;
const EXPR_DATA = 2;
const LIST_ELEM = 1;
const VERDICT_REGISTER = 0;
const FIRST_WORD = 8;

/** The register that begins at a word of the register space. As nft does, one of 16 bytes where there is one. */
const registerAt = (word: number): number => (word % 4 === 0 ? 1 + word / 4 : FIRST_WORD + word);
const REGISTER_1 = registerAt(0);

const expression = (name: string, ...data: readonly Uint8Array[]): Uint8Array =>
  nested(LIST_ELEM, text(EXPR_NAME, name), nested(EXPR_DATA, ...data));

const metaKeys = { iifname: 6, oifname: 7, l4proto: 16 } as const;
type MetaKey = keyof typeof metaKeys;
const metaLengths = { iifname: 16, oifname: 16, l4proto: 1 } as const;

const loadMeta = (key: MetaKey, register = REGISTER_1): Uint8Array =>
  expression("meta", be32(2, metaKeys[key]), be32(1, register));

const conntrackKeys = { state: 0, status: 2 } as const;

const loadConntrack = (key: keyof typeof conntrackKeys): Uint8Array =>
  expression("ct", be32(2, conntrackKeys[key]), be32(1, REGISTER_1));

const headers = { network: 1, transport: 2 } as const;

export interface PayloadField {
  readonly header: keyof typeof headers;
  readonly offset: number;
  readonly length: number;
}

export const DESTINATION_PORT: PayloadField = { header: "transport", offset: 2, length: 2 };

const loadPayload = (field: PayloadField, register = REGISTER_1): Uint8Array =>
  expression(
    "payload",
    be32(1, register),
    be32(2, headers[field.header]),
    be32(3, field.offset),
    be32(4, field.length),
  );

const FIB_RESULT_ADDRTYPE = 3;
const FIB_FLAG_DADDR = 2;
/** The kind of address that the packet goes to, as the routing table sees it: RTN_LOCAL is 2. */
const loadDestinationType = (): Uint8Array =>
  expression("fib", be32(3, FIB_FLAG_DADDR), be32(2, FIB_RESULT_ADDRTYPE), be32(1, REGISTER_1));

/** register & mask */
const maskRegister = (mask: Uint8Array): Uint8Array =>
  expression(
    "bitwise",
    be32(1, REGISTER_1),
    be32(2, REGISTER_1),
    be32(3, mask.length),
    nested(4, attribute(DATA_VALUE, mask)),
    nested(5, attribute(DATA_VALUE, new Uint8Array(mask.length))),
  );

/** Goes on if the register equals the value (or does not), else leaves the rule. */
const compare = (operator: "==" | "!=", value: Uint8Array): Uint8Array =>
  expression(
    "cmp",
    be32(1, REGISTER_1),
    be32(2, operator === "==" ? 0 : 1),
    nested(3, attribute(DATA_VALUE, value)),
  );

/** What a key is made of: parts of the packet, side by side, each from a whole word on. */
export type KeyPart = MetaKey | PayloadField;

function loadKey(parts: readonly KeyPart[]): readonly Uint8Array[] {
  let word = 0;
  return parts.map((part) => {
    const register = registerAt(word);
    const length = typeof part === "string" ? metaLengths[part] : part.length;
    word += Math.ceil(length / 4);
    return typeof part === "string" ? loadMeta(part, register) : loadPayload(part, register);
  });
}

const NFT_LOOKUP_F_INV = 1;

/** Goes on if the key is in the set, or, `"not in"`, if it is not. */
export const inSet = (
  parts: readonly KeyPart[],
  set: string,
  how: "in" | "not in" = "in",
): readonly Uint8Array[] => [
  ...loadKey(parts),
  expression(
    "lookup",
    be32(2, REGISTER_1),
    text(1, set),
    be32(4, 0),
    ...(how === "in" ? [] : [be32(5, NFT_LOOKUP_F_INV)]),
  ),
];

/** The map's value for the key goes to register 1. Leaves the rule if there is none. */
export const lookUp = (parts: readonly KeyPart[], map: string): readonly Uint8Array[] => [
  ...loadKey(parts),
  expression("lookup", be32(2, REGISTER_1), be32(3, REGISTER_1), text(1, map), be32(4, 0)),
];

/** Does what the map says for the key. Goes on with the next rule if it says nothing. */
export const obeyMap = (parts: readonly KeyPart[], map: string): readonly Uint8Array[] => [
  ...loadKey(parts),
  expression("lookup", be32(2, REGISTER_1), be32(3, VERDICT_REGISTER), text(1, map), be32(4, 0)),
];

const NAT_SOURCE = 0;
const NAT_DESTINATION = 1;
/** The new port is as far into its range as the old one from 0: NF_NAT_RANGE_PROTO_OFFSET without a base. */
const NAT_SHIFTS = 1 << 5;

export interface NatFamily {
  /** AF_INET or AF_INET6. */
  readonly protocol: number;
  /** Bytes of an address. */
  readonly addressLength: number;
}

/** New destination: the address in register 1. The port is the one behind the address; "kept" as it is; or "shifted" into the range that
 *  the two ports behind it tell: the first of them and the old port modulo the range's size. nft has no word for the last one. */
export function dnat({ protocol, addressLength }: NatFamily, port: "given" | "kept" | "shifted"): Uint8Array {
  const first = addressLength / 4;
  const ports = {
    given: [be32(5, registerAt(first))],
    kept: [],
    shifted: [be32(5, registerAt(first)), be32(6, registerAt(first + 1)), be32(7, NAT_SHIFTS)],
  };
  return expression("nat", be32(1, NAT_DESTINATION), be32(2, protocol), be32(3, REGISTER_1), ...ports[port]);
}

/** New source: the address in register 1. */
export const snat = ({ protocol }: NatFamily): Uint8Array =>
  expression("nat", be32(1, NAT_SOURCE), be32(2, protocol), be32(3, REGISTER_1));

export const masquerade = (): Uint8Array => expression("masq");

/** As registers hold them: 16 bytes, zero-filled. */
export function interfaceBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(name).subarray(0, 15));
  return bytes;
}

export const verdict = (kind: Verdict): Uint8Array =>
  expression("immediate", be32(1, VERDICT_REGISTER), nested(2, encodeVerdict(kind)));

/** Any of these bits of `ct state` or `ct status` is set. */
export const conntrackHas = (key: keyof typeof conntrackKeys, bits: number): readonly Uint8Array[] => [
  loadConntrack(key),
  maskRegister(uint32(bits)),
  compare("!=", uint32(0)),
];

export const CT_STATE_ESTABLISHED = 2;
export const CT_STATE_RELATED = 4;
export const CT_STATUS_DNAT = 0x20;
const RTN_LOCAL = 2;

export const destinationIsLocal = (): readonly Uint8Array[] => [
  loadDestinationType(),
  compare("==", uint32(RTN_LOCAL)),
];

export const interfaceIs = (
  key: "iifname" | "oifname",
  operator: "==" | "!=",
  name: string,
): readonly Uint8Array[] => [loadMeta(key), compare(operator, interfaceBytes(name))];

/** An address field within a prefix. As nft does, a prefix of whole bytes loads only those. */
export function addressWithin(
  field: PayloadField,
  address: Uint8Array,
  prefixLength: number,
): readonly Uint8Array[] {
  const length = prefixLength >> 3;
  if (prefixLength % 8 === 0)
    return [loadPayload({ ...field, length }), compare("==", address.subarray(0, length))];
  const mask = new Uint8Array(field.length).fill(0xff, 0, length);
  mask[length] = 0xff << (8 - (prefixLength % 8));
  return [loadPayload(field), maskRegister(mask), compare("==", address)];
}

/** A header field has the value. */
export const fieldIs = (field: PayloadField, value: Uint8Array): readonly Uint8Array[] => [
  loadPayload(field),
  compare("==", value),
];

/** The transport protocol has the number. */
export const protocolIs = (number: number): readonly Uint8Array[] => [
  loadMeta("l4proto"),
  compare("==", Uint8Array.of(number)),
];

/** Puts the value into the registers, from a word on. */
export const loadValue = (value: Uint8Array, word = 0): Uint8Array =>
  expression("immediate", be32(1, registerAt(word)), nested(2, attribute(DATA_VALUE, value)));

// Expressions of nftables rules (linux/netfilter/nf_tables.h): small steps on registers, read left to right.
// The verdict register is 0; registers 1 to 4 are 16 bytes each, 8 to 23 the same space in words of 4 bytes.

import { attribute, be32, nested, text, uint32, uint32be } from "../netlink/attributes.ts";

const EXPR_NAME = 1;
const EXPR_DATA = 2;
const LIST_ELEM = 1;
const DATA_VALUE = 1;
const DATA_VERDICT = 2;
const VERDICT_CODE = 1;
const VERDICT_CHAIN = 2;
const NFT_JUMP = 0xfffffffd;

/** Words of the register space: those after the first of register 1. */
export const WORD_1 = 9;
export const WORD_2 = 10;
const REGISTER_1 = 1;

const expression = (name: string, ...data: readonly Uint8Array[]): Uint8Array =>
  nested(LIST_ELEM, text(EXPR_NAME, name), nested(EXPR_DATA, ...data));

const metaKeys = { iifname: 6, oifname: 7, l4proto: 16 } as const;

export const loadMeta = (key: keyof typeof metaKeys, register = REGISTER_1): Uint8Array =>
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

export const SOURCE_ADDRESS: PayloadField = { header: "network", offset: 12, length: 4 };
export const DESTINATION_ADDRESS: PayloadField = { header: "network", offset: 16, length: 4 };
export const DESTINATION_PORT: PayloadField = { header: "transport", offset: 2, length: 2 };

export const loadPayload = (field: PayloadField, register = REGISTER_1): Uint8Array =>
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

/** Looks up the key that starts in register 1; the value goes to register 1. Leaves the rule if there is none. */
export const lookup = (map: string): Uint8Array =>
  expression("lookup", be32(2, REGISTER_1), be32(3, REGISTER_1), text(1, map), be32(4, 0));

const NAT_DNAT = 1;
const AF_INET = 2;
/** New destination: the address in the first word of register 1, the port in the next. */
export const dnat = (): Uint8Array =>
  expression("nat", be32(1, NAT_DNAT), be32(2, AF_INET), be32(3, REGISTER_1), be32(5, WORD_1));

export const masquerade = (): Uint8Array => expression("masq");

/** Registers hold interface names as 16 bytes, zero-filled. */
function interfaceName(name: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(name).subarray(0, 15));
  return bytes;
}

const verdicts = { drop: 0, accept: 1 } as const;

const immediateVerdict = (...verdict: readonly Uint8Array[]): Uint8Array =>
  expression("immediate", be32(1, 0), nested(2, nested(DATA_VERDICT, ...verdict)));

export const verdict = (name: keyof typeof verdicts): Uint8Array =>
  immediateVerdict(be32(VERDICT_CODE, verdicts[name]));

export const jump = (chain: string): Uint8Array =>
  immediateVerdict(be32(VERDICT_CODE, NFT_JUMP), text(VERDICT_CHAIN, chain));

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
): readonly Uint8Array[] => [loadMeta(key), compare(operator, interfaceName(name))];

/** An address field within a prefix. As nft does, a prefix of whole bytes loads only those. */
export function addressWithin(
  field: PayloadField,
  address: number,
  prefixLength: number,
): readonly Uint8Array[] {
  const value = uint32be(address);
  if (prefixLength % 8 === 0) {
    const length = prefixLength / 8;
    return [loadPayload({ ...field, length }), compare("==", value.subarray(0, length))];
  }
  const mask = uint32be((0xffffffff << (32 - prefixLength)) >>> 0);
  return [loadPayload(field), maskRegister(mask), compare("==", value)];
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

export const loadValue = (value: Uint8Array, register = REGISTER_1): Uint8Array =>
  expression("immediate", be32(1, register), nested(2, attribute(DATA_VALUE, value)));

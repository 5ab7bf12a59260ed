// Sets and maps of nftables (linux/netfilter/nf_tables.h), and what is in them.
//
//   hash       finds a key in constant time
//   interval   its keys are ranges from first to last, of one part (a tree) or of several, each a range of its own (nft_set_pipapo)

import { attribute, be32, nested, text } from "../netlink/attributes.ts";
import { type NetlinkMessage, NLM_F_CREATE } from "../netlink/message.ts";
import { decodeReply, dumpOf, type NftablesMessage, type Table, tableMessage } from "./messages.ts";
import { encodeVerdict, type Verdict } from "./verdicts.ts";

const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_DELSETELEM = 14;
const NFT_SET_INTERVAL = 4;
const NFT_SET_MAP = 8;
const NFT_SET_CONCAT = 0x80;
const NFT_SET_ELEM_INTERVAL_END = 1;
const NFT_DATA_VERDICT = 0xffffff00;
const LIST_ELEM = 1;
const DATA_VALUE = 1;

/** Types of the parts of keys and values, as nft names them. */
const dataTypes = {
  ipv4_addr: { id: 7, length: 4 },
  ipv6_addr: { id: 8, length: 16 },
  inet_proto: { id: 12, length: 1 },
  inet_service: { id: 13, length: 2 },
  ifname: { id: 41, length: 16 },
} as const;
export type DataType = keyof typeof dataTypes;

const padded = (length: number): number => (length + 3) & ~3;

/** A key or value of several parts, each padded to four bytes. */
export const concatenate = (...parts: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) => {
      const bytes = new Uint8Array(padded(part.length));
      bytes.set(part);
      return bytes;
    }),
  );

export interface SetShape {
  readonly key: readonly DataType[];
  /** Of a map. */
  readonly value?: readonly DataType[] | "verdict";
  readonly interval?: boolean;
}

/** What is in a set or map. In one of intervals `last` is the end of the range, itself in it. */
export interface Element {
  readonly key: Uint8Array;
  readonly last?: Uint8Array;
  /** Of a map; not needed to delete it. */
  readonly value?: Uint8Array | Verdict;
}

const typeId = (types: readonly DataType[]): number =>
  types.reduce((id, name) => (id << 6) | dataTypes[name].id, 0);

const lengthOf = (types: readonly DataType[]): number =>
  types.length === 1
    ? types.reduce((length, name) => length + dataTypes[name].length, 0)
    : types.reduce((length, name) => length + padded(dataTypes[name].length), 0);

const isConcatenated = ({ key, interval }: SetShape): boolean => interval === true && key.length > 1;

function flagsOf(shape: SetShape): number {
  const map = shape.value === undefined ? 0 : NFT_SET_MAP;
  const interval = shape.interval === true ? NFT_SET_INTERVAL : 0;
  return map | interval | (isConcatenated(shape) ? NFT_SET_CONCAT : 0);
}

function valueAttributes({ value }: SetShape): readonly Uint8Array[] {
  if (value === undefined) return [];
  if (value === "verdict") return [be32(6, NFT_DATA_VERDICT), be32(7, 0)];
  return [be32(6, typeId(value)), be32(7, lengthOf(value))];
}

const fieldLengths = ({ key }: SetShape): Uint8Array =>
  nested(9, nested(2, ...key.map((name) => nested(LIST_ELEM, be32(1, dataTypes[name].length)))));

/** Interface names are texts, not numbers: nft, which reads this where the kernel does not, prints them as such. */
const keyOrder = ({ key }: SetShape): readonly Uint8Array[] =>
  key.length === 1 && key[0] === "ifname" ? [attribute(13, Uint8Array.of(0, 4, 1, 0, 0, 0))] : [];

/** `id` tells the sets of one batch apart. Success if the same exists. */
export const addSet = (table: Table, name: string, id: number, shape: SetShape): NftablesMessage =>
  tableMessage(
    table,
    NFT_MSG_NEWSET,
    NLM_F_CREATE,
    text(2, name),
    be32(3, flagsOf(shape)),
    be32(4, typeId(shape.key)),
    be32(5, lengthOf(shape.key)),
    ...valueAttributes(shape),
    be32(10, id),
    ...(isConcatenated(shape) ? [fieldLengths(shape)] : []),
    ...keyOrder(shape),
  );

const encodeValue = (value: Uint8Array | Verdict): Uint8Array =>
  nested(2, value instanceof Uint8Array ? attribute(DATA_VALUE, value) : encodeVerdict(value));

function encodeElement(shape: SetShape, { key, last, value }: Element): readonly Uint8Array[] {
  const start = nested(1, attribute(DATA_VALUE, key));
  const end = value === undefined ? [] : [encodeValue(value)];
  if (shape.interval !== true) return [nested(LIST_ELEM, start, ...end)];
  if (isConcatenated(shape))
    return [nested(LIST_ELEM, start, ...end, nested(10, attribute(DATA_VALUE, last ?? key)))];
  const behind = successor(last ?? key);
  const first = nested(LIST_ELEM, start, ...end);
  if (behind === undefined) return [first];
  return [
    first,
    nested(LIST_ELEM, be32(3, NFT_SET_ELEM_INTERVAL_END), nested(1, attribute(DATA_VALUE, behind))),
  ];
}

/** The number behind; undefined behind the last one. */
function successor(bytes: Uint8Array): Uint8Array | undefined {
  const next = Uint8Array.from(bytes);
  for (let at = next.length - 1; at >= 0; at--) {
    const digit = next[at] ?? 0;
    next[at] = digit + 1;
    if (digit < 0xff) return next;
  }
  return undefined;
}

/** An attribute has at most 64 KiB. */
const MOST_PER_LIST = 300;

function lists(
  shape: SetShape,
  set: string,
  elements: readonly Element[],
): readonly (readonly Uint8Array[])[] {
  const encoded = elements.flatMap((element) => encodeElement(shape, element));
  const parts: (readonly Uint8Array[])[] = [];
  for (let at = 0; at < encoded.length; at += MOST_PER_LIST)
    parts.push([text(2, set), nested(3, ...encoded.slice(at, at + MOST_PER_LIST))]);
  return parts;
}

/** Nothing for no elements. A map's element that is there with another value is EEXIST. */
export const addElements = (
  table: Table,
  set: string,
  shape: SetShape,
  elements: readonly Element[],
): readonly NftablesMessage[] =>
  lists(shape, set, elements).map((list) => tableMessage(table, NFT_MSG_NEWSETELEM, NLM_F_CREATE, ...list));

/** ENOENT for one that is not there. */
export const deleteElements = (
  table: Table,
  set: string,
  shape: SetShape,
  elements: readonly Element[],
): readonly NftablesMessage[] =>
  lists(
    shape,
    set,
    elements.map(({ key, last }) => ({ key, ...(last !== undefined && { last }) })),
  ).map((list) => tableMessage(table, NFT_MSG_DELSETELEM, 0, ...list));

/** Empties it. */
export const flushSet = (table: Table, set: string): NftablesMessage =>
  tableMessage(table, NFT_MSG_DELSETELEM, 0, text(2, set));

/** How many elements the kernel shows for these: both ends of an interval of one part. */
export const countShown = (shape: SetShape, elements: readonly Element[]): number =>
  elements.reduce((count, element) => count + encodeElement(shape, element).length, 0);

/** All elements. ENOENT if the set is not there. */
export const dumpElements = (table: Table, set: string): Uint8Array =>
  dumpOf(table, NFT_MSG_GETSETELEM, text(2, set));

/** How many elements a reply of a dump lists; 0 for another message. */
export function countElements(reply: NetlinkMessage): number {
  const list = decodeReply(reply, NFT_MSG_NEWSETELEM)?.attributes.get(3);
  if (list === undefined) return 0;
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  let count = 0;
  for (let at = 0; at + 4 <= list.length; at += padded(Math.max(4, view.getUint16(at, true)))) count++;
  return count;
}

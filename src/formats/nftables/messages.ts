// Messages of nftables (linux/netfilter/nf_tables.h): tables, chains, maps, rules, and the batches that apply them at once.

import {
  attribute,
  be32,
  decodeAttributes,
  nested,
  readText,
  readUint32be,
  text,
} from "../netlink/attributes.ts";
import {
  encodeDump,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
} from "../netlink/message.ts";

const SUBSYSTEM = 10 << 8;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_DELRULE = 8;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NFT_MSG_NEWGEN = 15;
const NFT_MSG_GETGEN = 16;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const AF_UNSPEC = 0;
const AF_INET = 2;
const NFT_SET_MAP = 8;
const LIST_ELEM = 1;

/** Hooks of the IPv4 stack. */
const hooks = { prerouting: 0, forward: 2, output: 3, postrouting: 4 } as const;

export interface BaseChain {
  readonly type: "filter" | "nat";
  readonly hook: keyof typeof hooks;
  readonly priority: number;
}

/** Types of the parts of map keys and values, as nft names them. */
const dataTypes = {
  ipv4_addr: { id: 7, length: 4 },
  inet_proto: { id: 12, length: 1 },
  inet_service: { id: 13, length: 2 },
} as const;
export type DataType = keyof typeof dataTypes;

/** A key or value of several parts, each padded to four bytes. */
export const concatenate = (...parts: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) => {
      const padded = new Uint8Array((part.length + 3) & ~3);
      padded.set(part);
      return padded;
    }),
  );

export interface MapElement {
  readonly key: Uint8Array;
  /** Not needed to delete one. */
  readonly value?: Uint8Array;
}

/** What stands in a batch; the sequence number is given by the batch. */
export type NftablesMessage = NetlinkMessage;

/** struct nfgenmsg; `resource` is the subsystem, for batches. */
const head = (family: number, resource = 0): Uint8Array =>
  Uint8Array.of(family, 0, resource >> 8, resource & 0xff);

const message = (type: number, flags: number, ...attributes: readonly Uint8Array[]): NftablesMessage => ({
  type: SUBSYSTEM | type,
  flags: flags | NLM_F_ACK,
  body: Buffer.concat([head(AF_INET), ...attributes]),
});

/** Success if it exists. */
export const addTable = (table: string): NftablesMessage =>
  message(NFT_MSG_NEWTABLE, NLM_F_CREATE, text(1, table), be32(2, 0));

export const deleteTable = (table: string): NftablesMessage => message(NFT_MSG_DELTABLE, 0, text(1, table));

/** A chain to jump to; success if it exists. */
export const addChain = (table: string, chain: string): NftablesMessage =>
  message(NFT_MSG_NEWCHAIN, NLM_F_CREATE, text(1, table), text(3, chain));

/** A chain that the kernel calls; success if the same exists. */
export const addBaseChain = (table: string, chain: string, base: BaseChain): NftablesMessage =>
  message(
    NFT_MSG_NEWCHAIN,
    NLM_F_CREATE,
    text(1, table),
    text(3, chain),
    text(7, base.type),
    nested(4, be32(1, hooks[base.hook]), be32(2, base.priority)),
  );

/** Appends. */
export const addRule = (table: string, chain: string, expressions: readonly Uint8Array[]): NftablesMessage =>
  message(
    NFT_MSG_NEWRULE,
    NLM_F_CREATE | NLM_F_APPEND,
    text(1, table),
    text(2, chain),
    nested(4, ...expressions),
  );

export const flushChain = (table: string, chain: string): NftablesMessage =>
  message(NFT_MSG_DELRULE, 0, text(1, table), text(2, chain));

const typeId = (types: readonly DataType[]): number =>
  types.reduce((id, name) => (id << 6) | dataTypes[name].id, 0);

const lengthOf = (types: readonly DataType[]): number =>
  types.reduce((length, name) => length + ((dataTypes[name].length + 3) & ~3), 0);

/** `id` tells the maps of one batch apart. Success if the same exists. */
export const addMap = (
  table: string,
  name: string,
  id: number,
  shape: { readonly key: readonly DataType[]; readonly value: readonly DataType[] },
): NftablesMessage =>
  message(
    NFT_MSG_NEWSET,
    NLM_F_CREATE,
    text(1, table),
    text(2, name),
    be32(3, NFT_SET_MAP),
    be32(4, typeId(shape.key)),
    be32(5, lengthOf(shape.key)),
    be32(6, typeId(shape.value)),
    be32(7, lengthOf(shape.value)),
    be32(10, id),
  );

const element = (entry: MapElement): Uint8Array =>
  nested(
    LIST_ELEM,
    nested(1, attribute(1, entry.key)),
    ...(entry.value === undefined ? [] : [nested(2, attribute(1, entry.value))]),
  );

const elements = (table: string, map: string, entries: readonly MapElement[]): readonly Uint8Array[] => [
  text(1, table),
  text(2, map),
  nested(3, ...entries.map(element)),
];

export const addElements = (table: string, map: string, entries: readonly MapElement[]): NftablesMessage =>
  message(NFT_MSG_NEWSETELEM, NLM_F_CREATE, ...elements(table, map, entries));

export const deleteElements = (table: string, map: string, entries: readonly MapElement[]): NftablesMessage =>
  message(NFT_MSG_DELSETELEM, 0, ...elements(table, map, entries));

export const flushMap = (table: string, map: string): NftablesMessage =>
  message(NFT_MSG_DELSETELEM, 0, text(1, table), text(2, map));

/** The messages as one transaction: all or none of them take effect. */
export function encodeBatch(messages: readonly NftablesMessage[]): readonly Uint8Array[] {
  const edge = (type: number): NetlinkMessage => ({ type, flags: 0, body: head(AF_UNSPEC, 10) });
  const all = [edge(NFNL_MSG_BATCH_BEGIN), ...messages, edge(NFNL_MSG_BATCH_END)];
  return all.map((each, index) => encodeMessage(each, index));
}

/** Asks for the number that counts the changes of all rules in this network namespace. */
export const getGeneration = (): Uint8Array =>
  encodeMessage({ type: SUBSYSTEM | NFT_MSG_GETGEN, flags: NLM_F_ACK, body: head(AF_UNSPEC) });

export function decodeGeneration(reply: NetlinkMessage): number | undefined {
  if (reply.type !== (SUBSYSTEM | NFT_MSG_NEWGEN)) return undefined;
  const value = decodeAttributes(reply.body.subarray(4)).get(1);
  return value === undefined ? undefined : readUint32be(value);
}

/** All rules of the table. A table that is not there has none. */
export const dumpRules = (table: string): Uint8Array =>
  encodeDump(SUBSYSTEM | NFT_MSG_GETRULE, Buffer.concat([head(AF_INET), text(1, table)]));

/** Table and chain of a rule; undefined for a message of another kind. */
export function decodeRule(
  reply: NetlinkMessage,
): { readonly table: string; readonly chain: string } | undefined {
  if (reply.type !== (SUBSYSTEM | NFT_MSG_NEWRULE)) return undefined;
  const attributes = decodeAttributes(reply.body.subarray(4));
  const empty = new Uint8Array();
  return { table: readText(attributes.get(1) ?? empty), chain: readText(attributes.get(2) ?? empty) };
}

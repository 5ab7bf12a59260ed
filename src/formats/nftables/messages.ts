// Messages of nftables (linux/netfilter/nf_tables.h): tables, chains, rules, and the batches that apply them at once. sets.ts has the sets.

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
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_DELCHAIN = 5;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_DELRULE = 8;
const NFT_MSG_NEWGEN = 15;
const NFT_MSG_GETGEN = 16;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const AF_UNSPEC = 0;

/** Families of tables: a table is of one of them. */
const families = { ip: 2, ip6: 10 } as const;
export type TableFamily = keyof typeof families;

export interface Table {
  readonly family: TableFamily;
  readonly name: string;
}

const familyOf = (number: number | undefined): TableFamily | undefined =>
  number === families.ip ? "ip" : number === families.ip6 ? "ip6" : undefined;

/** Hooks of the IP stacks. */
const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

export interface BaseChain {
  readonly type: "filter" | "nat";
  readonly hook: keyof typeof hooks;
  readonly priority: number;
}

/** What stands in a batch; the sequence number is given by the batch. */
export type NftablesMessage = NetlinkMessage;

/** struct nfgenmsg; `resource` is the subsystem, for batches. */
const head = (family: number, resource = 0): Uint8Array =>
  Uint8Array.of(family, 0, resource >> 8, resource & 0xff);

/** A message about a table, or about what is in it. */
export const tableMessage = (
  { family, name }: Table,
  type: number,
  flags: number,
  ...attributes: readonly Uint8Array[]
): NftablesMessage => ({
  type: SUBSYSTEM | type,
  flags: flags | NLM_F_ACK,
  body: Buffer.concat([head(families[family]), text(1, name), ...attributes]),
});

/** Success if it exists. */
export const addTable = (table: Table): NftablesMessage =>
  tableMessage(table, NFT_MSG_NEWTABLE, NLM_F_CREATE, be32(2, 0));

export const deleteTable = (table: Table): NftablesMessage => tableMessage(table, NFT_MSG_DELTABLE, 0);

/** A chain to jump to; success if it exists. */
export const addChain = (table: Table, chain: string): NftablesMessage =>
  tableMessage(table, NFT_MSG_NEWCHAIN, NLM_F_CREATE, text(3, chain));

/** A chain that the kernel calls; success if the same exists. */
export const addBaseChain = (table: Table, chain: string, base: BaseChain): NftablesMessage =>
  tableMessage(
    table,
    NFT_MSG_NEWCHAIN,
    NLM_F_CREATE,
    text(3, chain),
    text(7, base.type),
    nested(4, be32(1, hooks[base.hook]), be32(2, base.priority)),
  );

/** Nothing jumps to it any more. */
export const deleteChain = (table: Table, chain: string): NftablesMessage =>
  tableMessage(table, NFT_MSG_DELCHAIN, 0, text(3, chain));

/** Appends. */
export const addRule = (table: Table, chain: string, expressions: readonly Uint8Array[]): NftablesMessage =>
  tableMessage(
    table,
    NFT_MSG_NEWRULE,
    NLM_F_CREATE | NLM_F_APPEND,
    text(2, chain),
    nested(4, ...expressions),
  );

export const flushChain = (table: Table, chain: string): NftablesMessage =>
  tableMessage(table, NFT_MSG_DELRULE, 0, text(2, chain));

/** `handle`: as decodeRule tells it. */
export const deleteRule = (table: Table, chain: string, handle: Uint8Array): NftablesMessage =>
  tableMessage(table, NFT_MSG_DELRULE, 0, text(2, chain), attribute(3, handle));

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

/** What a table has of something. A table that is not there has none of it, or fails with ENOENT. */
export const dumpOf = (table: Table, type: number, ...attributes: readonly Uint8Array[]): Uint8Array =>
  encodeDump(
    SUBSYSTEM | type,
    Buffer.concat([head(families[table.family]), text(1, table.name), ...attributes]),
  );

/** All rules of the table. A table that is not there has none. */
export const dumpRules = (table: Table): Uint8Array => dumpOf(table, NFT_MSG_GETRULE);

/** All chains of all tables of a family. */
export const dumpChains = (family: TableFamily): Uint8Array =>
  encodeDump(SUBSYSTEM | NFT_MSG_GETCHAIN, head(families[family]));

/** The attributes of a reply of that type, and the table that it is about; undefined for another message. */
export function decodeReply(
  { type, body }: NetlinkMessage,
  wanted: number,
): { readonly table: Table; readonly attributes: ReadonlyMap<number, Uint8Array> } | undefined {
  const family = familyOf(body[0]);
  if (type !== (SUBSYSTEM | wanted) || family === undefined) return undefined;
  const attributes = decodeAttributes(body.subarray(4));
  return { table: { family, name: readText(attributes.get(1) ?? nothing) }, attributes };
}

const nothing = new Uint8Array();

export interface RuleFound {
  readonly table: Table;
  readonly chain: string;
  readonly handle: Uint8Array;
  readonly expressions: Uint8Array;
}

/** undefined for a message of another kind. */
export function decodeRule(reply: NetlinkMessage): RuleFound | undefined {
  const found = decodeReply(reply, NFT_MSG_NEWRULE);
  if (found === undefined) return undefined;
  const { table, attributes } = found;
  const chain = readText(attributes.get(2) ?? nothing);
  return {
    ...{ table, chain },
    handle: attributes.get(3) ?? nothing,
    expressions: attributes.get(4) ?? nothing,
  };
}

export interface ChainFound {
  readonly table: Table;
  readonly name: string;
  /** Of a chain that the kernel calls: whether it is called for forwarded packets, and drops what none of its rules takes. */
  readonly drops: boolean;
}

export function decodeChain(reply: NetlinkMessage): ChainFound | undefined {
  const found = decodeReply(reply, NFT_MSG_NEWCHAIN);
  if (found === undefined) return undefined;
  const { table, attributes } = found;
  const hook = decodeAttributes(attributes.get(4) ?? nothing).get(1);
  const policy = attributes.get(5);
  const isForward = hook !== undefined && readUint32be(hook) === hooks.forward;
  const drops = isForward && policy !== undefined && readUint32be(policy) === 0;
  return { table, name: readText(attributes.get(3) ?? nothing), drops };
}

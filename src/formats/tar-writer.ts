// Writes tar archives: ustar, with a pax header before an entry that ustar cannot say.

import { BLOCK, type TarEntry, type TarEntryType } from "./tar-entry.ts";
import { encodeHeader, fitsHeader } from "./tar-header.ts";
import { encodePax, formatPaxTime } from "./tar-pax.ts";

const flagOf: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** An entry with what most writers leave at its default. */
export const tarEntry = (entry: Pick<TarEntry, "name" | "type"> & Partial<TarEntry>): TarEntry => ({
  linkName: "",
  mode: entry.type === "directory" ? 0o755 : 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { sec: 0, nsec: 0 },
  major: 0,
  minor: 0,
  xattrs: [],
  ...entry,
});

/** Names as bytes, for those that may not be UTF-8. */
export interface RawNames {
  readonly name: Uint8Array;
  readonly linkName: Uint8Array;
}

const SLASH = Buffer.from("/");

/** The blocks that go before an entry's content. `raw` stands for the names of the entry. */
export function encodeTarEntry(entry: TarEntry, raw?: RawNames): Buffer {
  const given = raw?.name ?? Buffer.from(entry.name);
  const isBare = entry.type === "directory" && given.at(-1) !== SLASH[0];
  const name = Buffer.concat([given, ...(isBare ? [SLASH] : [])]);
  const linkName = Buffer.from(raw?.linkName ?? Buffer.from(entry.linkName));
  const header = encodeHeader({
    name,
    linkName,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.mtime.sec,
    type: flagOf[entry.type],
    major: entry.major,
    minor: entry.minor,
  });
  const records = paxRecords(entry, name, linkName);
  if (records.size === 0) return header;
  const body = encodePax(records);
  const before = encodeHeader({
    name: Buffer.from("PaxHeaders.0"),
    linkName: Buffer.alloc(0),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    type: "x",
    major: 0,
    minor: 0,
  });
  return Buffer.concat([before, body, tarPadding(body.length), header]);
}

function paxRecords(entry: TarEntry, name: Buffer, linkName: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  const say = (key: string, value: string): unknown => records.set(key, Buffer.from(value));
  if (!fitsHeader.name(name)) records.set("path", name);
  if (!fitsHeader.name(linkName)) records.set("linkpath", linkName);
  if (!fitsHeader.id(entry.uid)) say("uid", String(entry.uid));
  if (!fitsHeader.id(entry.gid)) say("gid", String(entry.gid));
  if (!fitsHeader.size(entry.size)) say("size", String(entry.size));
  if (entry.mtime.nsec !== 0 || !fitsHeader.size(entry.mtime.sec)) say("mtime", formatPaxTime(entry.mtime));
  for (const { name: key, value } of entry.xattrs) records.set(`SCHILY.xattr.${key}`, Buffer.from(value));
  return records;
}

/** Zeros that fill the last block of `size` bytes. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** The two zero blocks. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

/** An archive of entries with their content. */
export async function* writeTar(
  members: AsyncIterable<TarMember> | Iterable<TarMember>,
): AsyncGenerator<Uint8Array> {
  for await (const { entry, content } of members) {
    yield encodeTarEntry(entry);
    if (content !== undefined) yield* content;
    if (entry.size > 0) yield tarPadding(entry.size);
  }
  yield tarEnd();
}

/** `content` must hold exactly `entry.size` bytes. */
export interface TarMember {
  readonly entry: TarEntry;
  readonly content?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

// A context as an archive: meta.json and tls/docker/*.pem in a tar, as `context export` writes it and `context import` reads it.

import { type TarEntry, TarError } from "#formats/tar-entry.ts";
import { TarReader } from "#formats/tar-reader.ts";
import { encodeTarEntry, tarEnd, tarEntry, tarPadding } from "#formats/tar-writer.ts";
import { decodeMetadata, type StoredContext } from "./store.ts";

/** What Docker takes, too. */
const MAX_IMPORT = 10 * 1024 * 1024;
const ZIP_MAGIC = "PK\x03\x04";

const file = (name: string, mode: number, text: string): Buffer => {
  const content = Buffer.from(text);
  const entry = encodeTarEntry(tarEntry({ name, type: "file", mode, size: content.length }));
  return Buffer.concat([entry, content, tarPadding(content.length)]);
};

const folder = (name: string): Buffer => encodeTarEntry(tarEntry({ name, type: "directory", mode: 0o700 }));

export function packContext(name: string, { metadata, tls }: StoredContext): Buffer {
  const { Metadata = {}, Endpoints = {} } = metadata;
  const files = Object.entries(tls);
  return Buffer.concat([
    file("meta.json", 0o644, JSON.stringify({ Name: name, Metadata, Endpoints })),
    folder("tls"),
    ...(files.length === 0 ? [] : [folder("tls/docker")]),
    ...files.map(([path, text]) => file(`tls/docker/${path}`, 0o600, text)),
    tarEnd(),
  ]);
}

function readMembers(bytes: Buffer): ReadonlyMap<string, string> {
  const reader = new TarReader();
  const members = new Map<string, string>();
  let current: TarEntry | undefined;
  for (const event of reader.push(bytes)) {
    if (event.kind === "entry") {
      current = event.entry.type === "file" ? event.entry : undefined;
      if (current !== undefined) members.set(current.name, "");
    } else if (event.kind === "hole") throw new TarError("sparse files in a context are not supported");
    else if (current !== undefined)
      members.set(current.name, `${members.get(current.name) ?? ""}${event.data.toString("latin1")}`);
  }
  return members;
}

const utf8 = (text: string): string => Buffer.from(text, "latin1").toString();

/** Throws an Error in Docker's words. Only the files that we know are taken, so no name can lead anywhere. */
export function unpackContext(bytes: Buffer): StoredContext {
  if (bytes.length > MAX_IMPORT) throw new Error("cannot import a context of more than 10485760 bytes");
  if (bytes.subarray(0, ZIP_MAGIC.length).toString("latin1") === ZIP_MAGIC)
    throw new Error("a context in a zip file is not supported by this version of Gantry: use a tar archive");
  const members = readMembers(bytes);
  const metadata = members.get("meta.json");
  if (metadata === undefined) throw new Error("invalid context: no metadata found");
  const tls = new Map<string, string>();
  for (const [name, text] of members) {
    const [, path] = /^tls\/docker\/((?:ca|cert|key)\.pem)$/.exec(name) ?? [];
    if (path !== undefined) tls.set(path, utf8(text));
    else if (name !== "meta.json") throw new Error(`unexpected context file: ${name}`);
  }
  return { metadata: decodeMetadata(utf8(metadata)), tls: Object.fromEntries(tls) };
}

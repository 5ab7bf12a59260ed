// The contexts that Docker's client stores: named daemons, each a folder under `contexts` beside the configuration file.
//
//   contexts/meta/<sha256 of the name>/meta.json          { Name, Metadata: { Description }, Endpoints: { docker: { Host } } }
//   contexts/tls/<sha256 of the name>/docker/{ca,cert,key}.pem

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boolean, type Decoded, object, record, string, unknown } from "#base/decode.ts";
import { codeOf } from "#client/api-error.ts";

const metadata = object(
  {},
  {
    Name: string,
    Metadata: record(unknown),
    Endpoints: record(object({}, { Host: string, SkipTLSVerify: boolean })),
  },
);
export type ContextMetadata = Decoded<typeof metadata>;

/** Contents by file name: "ca.pem", "cert.pem", "key.pem". */
export type TlsFiles = Readonly<Record<string, string>>;

export interface StoredContext {
  readonly metadata: ContextMetadata;
  readonly tls: TlsFiles;
}

export const DEFAULT_CONTEXT = "default";
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/** Throws an Error in Docker's words if a context cannot be called so. */
export function checkContextName(name: string): void {
  if (name === "") throw new Error("context name cannot be empty");
  if (name === DEFAULT_CONTEXT) throw new Error('"default" is a reserved context name');
  if (!NAME.test(name))
    throw new Error(
      `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "${NAME.source}"`,
    );
}

function idOf(name: string): string {
  const { createHash } = process.getBuiltinModule("node:crypto"); // 5 ms that only contexts need
  return createHash("sha256").update(name).digest("hex");
}

export const metadataFolder = (configFolder: string, name: string): string =>
  join(configFolder, "contexts", "meta", idOf(name));

export const tlsFolder = (configFolder: string, name: string): string =>
  join(configFolder, "contexts", "tls", idOf(name));

export const descriptionOf = ({ Metadata = {} }: ContextMetadata): string =>
  typeof Metadata.Description === "string" ? Metadata.Description : "";

export const decodeMetadata = (text: string): ContextMetadata => metadata(JSON.parse(text), "");

/** Throws an Error in Docker's words if there is none. */
export function readContext(configFolder: string, name: string): ContextMetadata {
  const path = join(metadataFolder(configFolder, name), "meta.json");
  try {
    return decodeMetadata(readFileSync(path, "utf8"));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new Error(
      `context ${JSON.stringify(name)}: context not found: open ${path}: no such file or directory`,
      { cause: error },
    );
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** All that are stored, by name. */
export function listContexts(configFolder: string): readonly ContextMetadata[] {
  const folder = join(configFolder, "contexts", "meta");
  return namesIn(folder)
    .map((id) => decodeMetadata(readFileSync(join(folder, id, "meta.json"), "utf8")))
    .sort((a, b) => ((a.Name ?? "") < (b.Name ?? "") ? -1 : 1));
}

export function readTlsFiles(configFolder: string, name: string): TlsFiles {
  const folder = join(tlsFolder(configFolder, name), "docker");
  const files = namesIn(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")] as const);
  return Object.fromEntries(files);
}

export const hasContext = (configFolder: string, name: string): boolean =>
  namesIn(metadataFolder(configFolder, name)).includes("meta.json");

/** Replaces what is stored under the name. */
export function writeContext(configFolder: string, name: string, context: StoredContext): void {
  const folder = metadataFolder(configFolder, name);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { Metadata = {}, Endpoints = {} } = context.metadata;
  writeFileSync(join(folder, "meta.json"), JSON.stringify({ Name: name, Metadata, Endpoints }));
  const secrets = tlsFolder(configFolder, name);
  rmSync(secrets, { recursive: true, force: true });
  if (Object.keys(context.tls).length === 0) return;
  mkdirSync(join(secrets, "docker"), { recursive: true, mode: 0o700 });
  chmodSync(secrets, 0o700);
  for (const [file, text] of Object.entries(context.tls))
    writeFileSync(join(secrets, "docker", file), text, { mode: 0o600 });
}

export function removeContext(configFolder: string, name: string): void {
  rmSync(metadataFolder(configFolder, name), { recursive: true, force: true });
  rmSync(tlsFolder(configFolder, name), { recursive: true, force: true });
}

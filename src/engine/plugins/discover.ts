// Where a plugin of Docker's first protocol listens: a socket in /run/docker/plugins, or a file that tells its address.
//   NAME.sock, NAME.spec (an address), NAME.json (an address with TLS); each also in a folder NAME

import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { boolean, DecodeError, object, string } from "#base/decode.ts";
import { EngineError, invalid, systemError } from "#base/errors.ts";

export interface PluginAddress {
  readonly name: string;
  readonly url: URL;
  readonly tls?: PluginTls;
}

/** Paths; "" is not given. */
export interface PluginTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly insecure: boolean;
}

export interface PluginFolders {
  readonly sockets: string;
  readonly specs: readonly string[];
}

export const pluginFolders: PluginFolders = {
  sockets: "/run/docker/plugins",
  specs: ["/etc/docker/plugins", "/usr/lib/docker/plugins"],
};

/** Throws in Docker's words if there is none of that name. */
export function findPlugin(name: string, { sockets, specs }: PluginFolders): PluginAddress {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/.test(name)) throw invalid(`invalid plugin name: ${name}`);
  const both = (folder: string, file: string): readonly string[] => [
    join(folder, file),
    join(folder, name, file),
  ];
  for (const path of both(sockets, `${name}.sock`))
    if (statSync(path, { throwIfNoEntry: false })?.isSocket() === true) return at(name, `unix://${path}`);
  for (const path of specs.flatMap((folder) => [
    ...both(folder, `${name}.spec`),
    ...both(folder, `${name}.json`),
  ])) {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const text = readFileSync(path, "utf8");
    return path.endsWith(".json") ? readDescription(name, path, text) : at(name, text.trim());
  }
  throw new EngineError("notFound", `plugin "${name}" not found`);
}

/** Names of all that there are, whether they listen or not. */
export function listPlugins({ sockets, specs }: PluginFolders): readonly string[] {
  const found = [
    ...namesIn(sockets, [".sock"]),
    ...specs.flatMap((folder) => namesIn(folder, [".spec", ".json"])),
  ];
  return [...new Set(found)].sort();
}

function namesIn(folder: string, endings: readonly string[]): readonly string[] {
  const nameOf = ({ name }: Dirent): string | undefined => {
    const ending = endings.find((text) => name.endsWith(text));
    return ending === undefined ? undefined : name.slice(0, -ending.length);
  };
  return entriesOf(folder).flatMap((entry) => {
    if (!entry.isDirectory()) return nameOf(entry) ?? [];
    const inside = entriesOf(join(folder, entry.name)).map(nameOf);
    return inside.includes(entry.name) ? [entry.name] : [];
  });
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function at(name: string, address: string): PluginAddress {
  const url = URL.parse(address);
  if (url === null || !["unix:", "tcp:", "http:", "https:"].includes(url.protocol))
    throw systemError(`plugin ${name} has no address that is understood: ${address}`);
  return { name, url };
}

const decodeDescription = object(
  { Addr: string },
  {
    TLSConfig: object({}, { CAFile: string, CertFile: string, KeyFile: string, InsecureSkipVerify: boolean }),
  },
);

function readDescription(name: string, path: string, text: string): PluginAddress {
  try {
    const { Addr, TLSConfig } = decodeDescription(JSON.parse(text), "");
    const place = at(name, Addr);
    if (TLSConfig === undefined) return place;
    const { CAFile = "", CertFile = "", KeyFile = "", InsecureSkipVerify = CAFile === "" } = TLSConfig;
    const tls = { caFile: CAFile, certFile: CertFile, keyFile: KeyFile, insecure: InsecureSkipVerify };
    return { ...place, tls };
  } catch (error) {
    if (error instanceof DecodeError || error instanceof SyntaxError)
      throw systemError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

// hosts.toml, containerd's description of where a registry can be reached: the server itself, and hosts to ask before it.
//
//   server = "https://registry.example"
//   [host."https://mirror.example/prefix"]
//     capabilities = ["pull", "resolve"]

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { array, boolean, DecodeError, type Decoder, isRecord, object, record, string } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";
import { parseToml, TomlError } from "#formats/toml.ts";
import { errnoOf } from "../failures.ts";
import type { Capability } from "./endpoints.ts";

/** What the file says of one host. Paths are those of the file, below its folder if they are relative. */
export interface HostTable {
  /** undefined: the registry's own name. */
  readonly url?: string;
  readonly capabilities: readonly Capability[];
  readonly ca: readonly string[];
  readonly client: readonly { readonly cert: string; readonly key: string }[];
  readonly skipVerify: boolean;
  /** The path of the URL is the API's root: "/v2" is not added. */
  readonly overridePath: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HostsFile {
  readonly server: HostTable;
  /** In the file's order, mirrors first asked. */
  readonly hosts: readonly HostTable[];
}

/** undefined if the folder has none. Rejects systemError that names the file. */
export async function readHostsFile(folder: string): Promise<HostsFile | undefined> {
  const path = join(folder, "hosts.toml");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    return decodeHosts(parseToml(text), folder);
  } catch (error) {
    if (!(error instanceof TomlError || error instanceof DecodeError)) throw error;
    throw systemError(`failed to parse ${path}: ${error.message}`, { cause: error });
  }
}

const texts: Decoder<readonly string[]> = (value, path) =>
  typeof value === "string" ? [value] : array(string)(value, path);

const capabilities: Decoder<readonly Capability[]> = (value, path) =>
  array(string)(value, path).map((name, index) => {
    if (name === "pull" || name === "resolve" || name === "push") return name;
    throw new DecodeError(`${path}[${index}]`, '"pull", "resolve" or "push"', name);
  });

/** "file", ["file", …] with certificate and key in one; or [["cert", "key"], …]. */
const clients: Decoder<HostTable["client"]> = (value, path) => {
  if (!Array.isArray(value)) return [both(string(value, path))];
  return value.map((item: unknown, index) => {
    if (typeof item === "string") return both(item);
    const [cert = "", key = cert] = array(string)(item, `${path}[${index}]`);
    return { cert, key: key === "" ? cert : key };
  });
};
const both = (file: string): HostTable["client"][number] => ({ cert: file, key: file });

const table = object(
  {},
  {
    capabilities,
    ca: texts,
    client: clients,
    skip_verify: boolean,
    override_path: boolean,
    header: record(texts),
  },
);
const file = object({}, { server: string, host: record((value) => value) });

function decodeHosts(value: unknown, folder: string): HostsFile {
  const { server, host = {} } = file(value, "");
  const own = decodeTable(value, "", folder);
  return {
    server: server === undefined ? own : { ...own, url: checkUrl(server, "server") },
    hosts: Object.entries(host).map(([url, settings]) => ({
      ...decodeTable(settings, `host.${JSON.stringify(url)}`, folder),
      url: checkUrl(url, "host"),
    })),
  };
}

function decodeTable(value: unknown, path: string, folder: string): HostTable {
  if (!isRecord(value)) throw new DecodeError(path, "table", value);
  const decoded = table(value, path);
  const at = (name: string): string => (name.startsWith("/") ? name : join(folder, name));
  const header = Object.entries(decoded.header ?? {});
  return {
    capabilities: decoded.capabilities ?? ["pull", "resolve", "push"],
    ca: (decoded.ca ?? []).map(at),
    client: (decoded.client ?? []).map(({ cert, key }) => ({ cert: at(cert), key: at(key) })),
    skipVerify: decoded.skip_verify ?? false,
    overridePath: decoded.override_path ?? false,
    headers: Object.fromEntries(header.map(([name, values]) => [name, values.join(", ")])),
  };
}

/** "mirror.example" is short for its https address. */
function checkUrl(text: string, path: string): string {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`);
  if (url === null || url.hostname === "") throw new DecodeError(path, "URL", text);
  return url.href;
}

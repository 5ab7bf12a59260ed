// The folder of a registry, DIR/<host:port>: private authorities and client certificates (*.crt, *.cert + *.key), and hosts.toml.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { systemError } from "#base/errors.ts";
import { type HostsFile, type HostTable, readHostsFile } from "./hosts-file.ts";

export interface TlsFiles {
  /** PEM; the system's own are among them when there are private ones. */
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/** The first of the directories that has a folder for the host decides. */
export async function readTlsFiles(directories: readonly string[], host: string): Promise<TlsFiles> {
  for (const directory of directories) {
    const folder = join(directory, host);
    const names = await readdir(folder).catch(() => undefined);
    if (names !== undefined) return await readFolder(folder, names.sort());
  }
  return {};
}

/** The hosts.toml of a registry: under its name, with underscores for the port, or of "_default". */
export async function findHostsFile(
  directories: readonly string[],
  host: string,
): Promise<HostsFile | undefined> {
  const names = [...new Set([host.replace(/:([0-9]+)$/, "_$1_"), host, "_default"])];
  for (const directory of directories)
    for (const name of names) {
      const found = await readHostsFile(join(directory, name));
      if (found !== undefined) return found;
    }
  return undefined;
}

/** The files that a hosts.toml names. */
export async function readNamedFiles({ ca, client }: Pick<HostTable, "ca" | "client">): Promise<TlsFiles> {
  const authorities = await Promise.all(ca.map((path) => readFile(path, "utf8")));
  const [pair] = client;
  return {
    ...(authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }),
    ...(pair !== undefined && {
      cert: await readFile(pair.cert, "utf8"),
      key: await readFile(pair.key, "utf8"),
    }),
  };
}

async function readFolder(folder: string, names: readonly string[]): Promise<TlsFiles> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  const authorities = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
  const certName = names.find((name) => name.endsWith(".cert"));
  const keyName = names.find((name) => name.endsWith(".key"));
  if (certName !== undefined && !names.includes(certName.replace(/\.cert$/, ".key")))
    throw systemError(
      `missing key ${certName.replace(/\.cert$/, ".key")} for client certificate ${certName}. CA certificates must use the extension .crt`,
    );
  if (keyName !== undefined && !names.includes(keyName.replace(/\.key$/, ".cert")))
    throw systemError(`missing client certificate ${keyName.replace(/\.key$/, ".cert")} for key ${keyName}`);
  return {
    ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
    ...(certName === undefined
      ? {}
      : { cert: await read(certName), key: await read(certName.replace(/\.cert$/, ".key")) }),
  };
}

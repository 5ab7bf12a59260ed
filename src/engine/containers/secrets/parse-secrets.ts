// Secrets of a create request: checked, and completed. A message never holds a secret's text.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import { type SecretFile, type SecretSpec, secretLimits } from "#spec/engine-api/secrets.ts";

export interface Secret extends SecretFile {
  readonly data: Uint8Array;
}

const directory = "/run/secrets";
const MAX_ID = 0xfffffffe; // one more means "leave it" to chown(2)

export function parseSecrets(specs: readonly SecretSpec[]): readonly Secret[] {
  if (specs.length > secretLimits.count)
    throw invalid(`too many secrets: ${specs.length}, at most ${secretLimits.count} for a container`);
  const secrets = specs.map(parseSecret);
  const seen = new Set<string>();
  for (const { id, target } of secrets) {
    if (seen.has(target)) throw invalid(`Duplicate mount point: ${target} (secret "${id}")`);
    seen.add(target);
  }
  return secrets;
}

function parseSecret(spec: SecretSpec): Secret {
  const { ID: id, UID: uid = 0, GID: gid = 0, Mode: mode = 0o444 } = spec;
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$/.test(id))
    throw invalid(`invalid secret name ${JSON.stringify(id.slice(0, 64))}: only 1 to 64 of [a-zA-Z0-9-_.]`);
  const wrong = (cause: string): Error => invalid(`invalid secret "${id}": ${cause}`);
  for (const [name, value] of Object.entries({ UID: uid, GID: gid }))
    if (value < 0 || value > MAX_ID) throw wrong(`${name} ${value} is out of range`);
  if (mode < 0 || mode > 0o777) throw wrong(`mode ${mode.toString(8)} is out of range, 0 to 0777`);
  return { id, target: parseTarget(spec.Target || id, wrong), uid, gid, mode, data: decodeData(spec, wrong) };
}

function parseTarget(text: string, wrong: (cause: string) => Error): string {
  const target = posix.resolve(directory, text);
  const outside = !posix.isAbsolute(text) && !target.startsWith(`${directory}/`);
  if (text.includes("\0") || text.endsWith("/") || outside || target === "/" || target === directory)
    throw wrong(`invalid target ${JSON.stringify(text)}`);
  return target;
}

function decodeData({ Data: text }: SecretSpec, wrong: (cause: string) => Error): Uint8Array {
  if (text === "") throw wrong("it has no data");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    throw wrong("the data is not base64");
  const data = Buffer.from(text, "base64");
  if (data.length > secretLimits.bytes)
    throw wrong(`the data is too large: ${data.length} bytes, at most ${secretLimits.bytes}`);
  return data;
}

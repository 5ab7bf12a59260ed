// --secret id=NAME,src=FILE or id=NAME,env=VARIABLE: read here, sent in the create request, so that no command line or file of the
// daemon's machine ever has the content.

import { readFileSync, statSync } from "node:fs";
import { type SecretSpec, secretLimits } from "#spec/engine-api/secrets.ts";
import { parseInteger } from "../grammar/flags.ts";
import { splitFields } from "./mounts.ts";
import { splitPair } from "./settings.ts";

export interface SecretFlag extends Omit<SecretSpec, "Data"> {
  readonly source: { readonly kind: "file" | "env"; readonly name: string };
}

const names: Readonly<Record<string, string>> = { source: "src", destination: "target", dst: "target" };
const known = new Set(["id", "src", "env", "target", "uid", "gid", "mode"]);

/** Throws an Error. */
export function parseSecret(text: string): SecretFlag {
  const given = new Map<string, string>();
  for (const field of splitFields(text)) {
    if (!field.includes("=")) throw new Error(`invalid field '${field}' must be a key=value pair`);
    const [word, value] = splitPair(field);
    const key = names[word] ?? word;
    if (!known.has(key)) throw new Error(`unexpected key '${word}' in '${field}'`);
    if (given.has(key)) throw new Error(`secret key '${word}' can be specified only once`);
    given.set(key, value);
  }
  const { id = "", src = "", env = "", target, uid, gid, mode } = Object.fromEntries(given);
  if (id === "") throw new Error("id is required");
  if ((src === "") === (env === "")) throw new Error("one of src and env is required");
  return {
    ID: id,
    source: src === "" ? { kind: "env", name: env } : { kind: "file", name: src },
    ...(target !== undefined && { Target: target }),
    ...(uid !== undefined && { UID: parseInteger(uid) }),
    ...(gid !== undefined && { GID: parseInteger(gid) }),
    ...(mode !== undefined && { Mode: parseMode(mode) }),
  };
}

function parseMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new Error(`invalid mode: ${text}`);
  return Number.parseInt(text, 8);
}

export const readSecrets = (
  flags: readonly SecretFlag[],
  env: Readonly<Record<string, string | undefined>>,
): readonly SecretSpec[] =>
  flags.map(({ source, ...spec }) => {
    const data = source.kind === "file" ? readSource(source.name) : Buffer.from(env[source.name] ?? "");
    const wrong = (cause: string): Error => new Error(`secret "${spec.ID}": ${cause}`);
    if (source.kind === "env" && env[source.name] === undefined)
      throw wrong(`environment variable ${source.name} is not set`);
    if (data.length === 0) throw wrong("it is empty");
    return { ...spec, Data: data.toString("base64") };
  });

function readSource(path: string): Buffer {
  // A pipe, as <(command) makes one, has no size.
  const { size } = statSync(path);
  if (size > secretLimits.bytes)
    throw new Error(`${path} is too large for a secret: ${size} bytes, at most ${secretLimits.bytes}`);
  return readFileSync(path);
}

// Variables and labels given on the command line and in files.

import { readFileSync } from "node:fs";

type Environment = Readonly<Record<string, string | undefined>>;

function readLines(path: string): readonly string[] {
  const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  return text.split(/\r?\n/).map((line) => line.trimStart());
}

/** Lines "KEY=value" or "KEY" (taken from our own environment, if it is there); "#" starts a comment. */
function readEnvironmentFile(path: string, own: Environment | undefined): readonly string[] {
  return readLines(path).flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    const equals = line.indexOf("=");
    const key = equals < 0 ? line.trim() : line.slice(0, equals);
    if (key === "") throw new Error(`no variable name on line '${line}'`);
    if (/\s/.test(key)) throw new Error(`variable '${key}' contains whitespaces`);
    if (equals >= 0) return [line];
    if (own === undefined) return [key];
    return own[key] === undefined ? [] : [`${key}=${own[key]}`];
  });
}

/** A variable as given; throws an Error if it has no name. */
export function checkVariable(text: string): string {
  if (text === "" || text.startsWith("=")) throw new Error(`invalid environment variable: ${text}`);
  return text;
}

/** The files first, then the flags; "KEY" alone takes our own value, or stays alone (which unsets it). */
export function collectVariables(
  files: readonly string[],
  flags: readonly string[],
  own: Environment,
): readonly string[] {
  const given = flags.map((text) => {
    const inherited = own[text];
    return text.includes("=") || inherited === undefined ? text : `${text}=${inherited}`;
  });
  return [...files.flatMap((path) => readEnvironmentFile(path, own)), ...given];
}

export const collectLabels = (files: readonly string[], flags: readonly string[]): readonly string[] => [
  ...files.flatMap((path) => readEnvironmentFile(path, undefined)),
  ...flags,
];

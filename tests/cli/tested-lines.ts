// Which commands and flags the tests of this folder's neighbours type: found by reading their sources for command lines.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { entries } from "#cli/commands/tree.table.ts";
import { globalFlags } from "#cli/connection.ts";
import type { AnyFlag } from "#cli/grammar/flags.ts";
import { parseWalks } from "../side-by-side/walk-file.ts";

/** A row of string literals: ["run", "--rm", …] or docker("run", "--rm", …). */
const LITERALS = /[[(]\s*((?:"(?:[^"\\\n]|\\.)*"\s*,?\s*)+)/g;

const FIRST_WORDS = new Set(entries.flatMap(({ names }) => names.map((name) => name.split(" ")[0])));

const wordsOf = (literals: string): readonly string[] =>
  [...literals.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map(([, word = ""]) => word);

const linesIn = (path: string, text: string): readonly (readonly string[])[] =>
  path.endsWith(".walk")
    ? parseWalks(text).flatMap(({ steps }) => steps.map(({ words }) => words))
    : [...text.matchAll(LITERALS)].map(([, literals = ""]) => wordsOf(literals));

export interface TestedLines {
  /** "container run" or "container run --rm" to the files that type it, in their order. */
  readonly files: ReadonlyMap<string, readonly string[]>;
}

function flagsIn(words: readonly string[], known: readonly AnyFlag[]): readonly string[] {
  return words.flatMap((word) => {
    if (word.startsWith("--")) return [word.split("=")[0] ?? ""];
    if (!word.startsWith("-")) return [];
    const names: string[] = [];
    for (const letter of word.slice(1)) {
      const flag = known.find(({ short }) => short === letter);
      if (flag === undefined) break;
      names.push(`--${flag.name}`);
      if (flag.implied === undefined) break;
    }
    return names;
  });
}

async function keysOf(words: readonly string[]): Promise<readonly string[]> {
  const start = words.findIndex((word) => FIRST_WORDS.has(word));
  if (start < 0) return [];
  const [first = "", second = ""] = words.slice(start);
  const entry = entries.find(({ names }) => names.includes(first) || names.includes(`${first} ${second}`));
  if (entry === undefined) return [];
  const { command } = await entry.load();
  const name = entry.names[0] ?? "";
  const own = flagsIn(words.slice(start + 1), command.flags).map((flag) => `${name} ${flag}`);
  return [name, ...own, ...flagsIn(words.slice(0, start), globalFlags).map((flag) => ` ${flag}`)];
}

/** Paths are relative to the project: "tests/cli/run.test.ts". */
export async function readTestedLines(): Promise<TestedLines> {
  const root = join(import.meta.dirname, "../..");
  const files = new Map<string, string[]>();
  for (const path of globSync("tests/**/*.{test.ts,walk}", { cwd: root }).sort()) {
    for (const words of linesIn(path, readFileSync(join(root, path), "utf8")))
      for (const key of await keysOf(words)) {
        const known = files.get(key) ?? [];
        if (!known.includes(path)) files.set(key, [...known, path]);
      }
  }
  return { files };
}

// Docker's command line against ours: for each command and flag whether it works or is refused, and in what it differs.

import { entries, unsupportedCommands } from "#cli/commands/tree.table.ts";
import { globalFlags } from "#cli/connection.ts";
import type { AnyFlag } from "#cli/grammar/flags.ts";
import { changedIn297, dockerCommands, onlyIn2010 } from "./docker-grammar.table.ts";

export interface FlagState {
  /** "--name". */
  readonly flag: string;
  readonly short: string;
  readonly type: string;
  readonly state: "works" | "refused";
  /** In what ours differs from Docker's; empty as it should be. */
  readonly differences: readonly string[];
}

export interface CommandState {
  /** All spellings, the noun's first; "" is the program itself. */
  readonly paths: readonly string[];
  readonly state: "works" | "refused";
  readonly missing: readonly string[];
  readonly flags: readonly FlagState[];
}

const isRefused = (path: string): boolean =>
  unsupportedCommands.some((name) => path === name || path.startsWith(`${name} `));

/** Written differently, meaning the same: nothing. Help's "default shows just running" is no default. */
const NO_DEFAULT = /^(|0|0s|false|\[\]|<nil>|shows just running|hides intermediate images|\/root\/.*)$/;
const defaultOf = (text: string): string => (NO_DEFAULT.test(text) ? "" : text);

function compare(row: string, ours: AnyFlag | undefined): FlagState {
  const [flag = "", short = "", type = "", value = ""] = row.split("|");
  const state = ours?.unsupported === true ? "refused" : "works";
  if (flag === "--help") return { flag, short, type, state, differences: [] }; // every command has it
  if (ours === undefined) return { flag, short, type, state, differences: ["is missing"] };
  if (state === "refused") return { flag, short, type, state, differences: [] };
  const found = {
    type: ours.value === "" ? "bool" : ours.value,
    short: ours.short === undefined ? "" : `-${ours.short}`,
    default: defaultOf(ours.shown ?? ""),
  };
  const wanted = { type, short, default: defaultOf(value) };
  const differences = (["type", "short", "default"] as const)
    .filter((key) => found[key] !== wanted[key])
    .map((key) => `${key} is ${found[key] || "none"}, Docker's ${wanted[key] || "none"}`);
  return { flag, short, type, state, differences };
}

/** What the other versions of the client have besides. */
function otherVersions(paths: readonly string[]): readonly string[] {
  const older = onlyIn2010.filter(([command]) => paths.includes(command)).map(([, flag]) => `${flag}|`);
  const newer = changedIn297
    .filter(([kind, command]) => kind === "added-flag" && paths.includes(command))
    .map(([, , flag, type]) => `${flag}||${type}|`);
  return [...new Set([...older, ...newer])];
}

async function flagsOf(path: string): Promise<readonly AnyFlag[] | undefined> {
  if (path === "") return globalFlags;
  const entry = entries.find(({ names }) => names.includes(path));
  return (await entry?.load())?.command.flags;
}

/** Groups are left out: they have no flags, and their commands tell of them. */
export async function commandStates(): Promise<readonly CommandState[]> {
  const commands = dockerCommands.filter(({ group, paths }) => !group || paths.includes(""));
  return await Promise.all(
    commands.map(async ({ paths, flags: rows }): Promise<CommandState> => {
      const first = paths[0] ?? "";
      if (paths.every(isRefused)) return { paths, state: "refused", missing: [], flags: [] };
      const ours = await flagsOf(first);
      const find = (name: string): AnyFlag | undefined => ours?.find((flag) => `--${flag.name}` === name);
      const known = new Set(rows.map((row) => row.split("|")[0]));
      const flags = rows.map((row) => compare(row, find(row.split("|")[0] ?? "")));
      for (const row of otherVersions(paths)) {
        const [name = "", , type = ""] = row.split("|");
        const flag = find(name);
        if (known.has(name)) continue;
        const state = flag?.unsupported === true ? "refused" : "works";
        const differences = flag === undefined ? ["is missing"] : [];
        flags.push({ flag: name, short: "", type, state, differences });
      }
      const missing = await Promise.all(
        paths.map(async (path) => ((await flagsOf(path)) === undefined && !isRefused(path) ? [path] : [])),
      );
      return { paths, state: "works", missing: missing.flat(), flags };
    }),
  );
}

// runc's command line: global flags, a verb, its flags, its arguments. One dash or two, the value in the next word or after "=".

import { invalid, unsupported } from "#base/errors.ts";

/** What a flag takes. "refused": known to runc, named when it is refused. */
type FlagKind = "switch" | "value" | "values" | "refused";
type Flags = Readonly<Record<string, FlagKind>>;

export interface Verb {
  readonly flags: Flags;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly least: number;
  readonly most: number;
}

const making = {
  bundle: "value",
  "pid-file": "value",
  "console-socket": "refused",
  "no-pivot": "refused",
  "no-new-keyring": "refused",
  "preserve-fds": "refused",
} as const;

export const verbs: Readonly<Record<string, Verb>> = {
  create: { flags: making, aliases: { b: "bundle" }, least: 1, most: 1 },
  run: {
    flags: { ...making, detach: "switch", keep: "switch", "no-subreaper": "refused" },
    aliases: { b: "bundle", d: "detach" },
    least: 1,
    most: 1,
  },
  start: { flags: {}, least: 1, most: 1 },
  exec: {
    flags: {
      cwd: "value",
      env: "values",
      tty: "switch",
      user: "value",
      "additional-gids": "values",
      process: "value",
      detach: "switch",
      "pid-file": "value",
      "no-new-privs": "switch",
      cap: "values",
      "console-socket": "refused",
      "process-label": "refused",
      apparmor: "refused",
      "preserve-fds": "refused",
      cgroup: "refused",
      "ignore-paused": "refused",
    },
    aliases: { e: "env", t: "tty", u: "user", g: "additional-gids", p: "process", d: "detach", c: "cap" },
    least: 1,
    most: Number.POSITIVE_INFINITY,
  },
  kill: { flags: { all: "switch" }, aliases: { a: "all" }, least: 1, most: 2 },
  delete: { flags: { force: "switch" }, aliases: { f: "force" }, least: 1, most: 1 },
  list: {
    flags: { format: "value", quiet: "switch" },
    aliases: { f: "format", q: "quiet" },
    least: 0,
    most: 0,
  },
  state: { flags: {}, least: 1, most: 1 },
  spec: { flags: { bundle: "value", rootless: "refused" }, aliases: { b: "bundle" }, least: 0, most: 0 },
  plan: { flags: {}, least: 1, most: 1 },
};

/** Verbs of runc that are not there yet. */
const refusedVerbs: readonly string[] = "checkpoint restore events features pause resume ps update".split(
  " ",
);

const globals: Verb = {
  flags: {
    root: "value",
    log: "value",
    "log-format": "value",
    debug: "switch",
    version: "switch",
    help: "switch",
    criu: "refused",
    "systemd-cgroup": "refused",
    rootless: "refused",
  },
  aliases: { v: "version", h: "help" },
  least: 0,
  most: Number.POSITIVE_INFINITY,
};

/** Values given, by the flag's long name; a switch has "true". */
export type Given = ReadonlyMap<string, readonly string[]>;

export interface CommandLine {
  readonly globals: Given;
  /** "" when there is none. */
  readonly verb: string;
  readonly given: Given;
  readonly args: readonly string[];
}

export function readGlobals(words: readonly string[]): {
  readonly given: Given;
  readonly rest: readonly string[];
} {
  return readFlags(words, globals);
}

export function readVerb(words: readonly string[]): Omit<CommandLine, "globals"> {
  const [name = "", ...rest] = words;
  if (name === "") return { verb: "", given: new Map(), args: [] };
  if (refusedVerbs.includes(name)) throw unsupported(name);
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) throw invalid(`No help topic for '${name}'`);
  const { given, rest: args } = readFlags(rest, verb);
  checkCount(name, args.length, verb);
  return { verb: name, given, args };
}

function checkCount(name: string, count: number, { least, most }: Verb): void {
  if (count >= least && count <= most) return;
  const wanted =
    least === most
      ? `requires exactly ${least} argument(s)`
      : count < least
        ? `requires a minimum of ${least} argument(s)`
        : `requires a maximum of ${most} argument(s)`;
  throw invalid(`gantry-runc: "${name}" ${wanted}`);
}

/** Flags stand before the first argument; "--" ends them. */
function readFlags(
  words: readonly string[],
  verb: Verb,
): { readonly given: Given; readonly rest: readonly string[] } {
  const given = new Map<string, string[]>();
  let at = 0;
  for (let word = words[at]; word !== undefined && /^-./.test(word); word = words[at]) {
    at++;
    if (word === "--") break;
    const { name, kind, typed, value } = readFlag(word, verb);
    const taken = value ?? (kind === "switch" ? "true" : words[at++]);
    if (taken === undefined) throw invalid(`flag needs an argument: -${typed}`);
    given.set(name, [...(given.get(name) ?? []), taken]);
  }
  return { given, rest: words.slice(at) };
}

function readFlag(word: string, { flags, aliases = {} }: Verb) {
  const [, typed = "", value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  const name = aliases[typed] ?? typed;
  const kind = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (kind === undefined) throw invalid(`flag provided but not defined: -${typed}`);
  if (kind === "refused") throw unsupported(`--${name}`);
  return { name, kind, typed, value };
}

export const lastOf = (given: Given, name: string): string | undefined => given.get(name)?.at(-1);
export const isOn = (given: Given, name: string): boolean => lastOf(given, name) === "true";

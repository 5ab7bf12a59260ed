// The program: global flags, then the words of a command, then the command; and what is printed when it fails.

import { commonCommands, type Entry, entries, groups, unsupportedCommands } from "./commands/tree.table.ts";
import { type ConnectionOptions, GLOBAL, globalFlags, resolveConnection } from "./connection.ts";
import { type Command, checkArguments } from "./grammar/command.ts";
import { ArgumentError, ExitError, FlagError } from "./grammar/errors.ts";
import { type AnyFlag, toggle } from "./grammar/flags.ts";
import { commandHelp, commandUsages, flagUsages, usageLine } from "./grammar/help.ts";
import { type ParsedLine, parseLine } from "./grammar/parse.ts";
import { messageFor } from "./messages.ts";
import { Session, type Surroundings } from "./session.ts";
import { PROGRAM, VERSION } from "./version.ts";

const FLAG_ERROR = 125;
const help = toggle("help", { about: "Print usage" });
const hiddenHelp = toggle("help");
const shortHelp: AnyFlag = { ...hiddenHelp, short: "h" };

/** Where in the tree an error happened: decides which usage follows the message. */
interface Place {
  readonly path: string;
  readonly usage: string;
}

const ROOT: Place = { path: PROGRAM, usage: "[OPTIONS] COMMAND [ARG...]" };

const withHelp = (flags: readonly AnyFlag[], shown: boolean): readonly AnyFlag[] => {
  if (shown) return [...flags, help];
  return [...flags, flags.some((flag) => flag.short === "h") ? hiddenHelp : shortHelp];
};

function programHelp(): string {
  const top = entries
    .flatMap(({ names, about }) => names.map((name) => ({ name, about })))
    .filter(({ name }) => !name.includes(" "));
  const common = commonCommands.flatMap((name) => top.filter((entry) => entry.name === name));
  const others = top
    .filter(({ name }) => !commonCommands.includes(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    usageLine(PROGRAM, "[OPTIONS] COMMAND"),
    "Docker Engine, written from the ground up in TypeScript",
    `Common Commands:\n${commandUsages(common)}`,
    `Management Commands:\n${commandUsages(groups)}`,
    `Commands:\n${commandUsages(others)}`,
    `Global Options:\n${flagUsages(globalFlags)}`,
    `Run '${PROGRAM} COMMAND --help' for more information on a command.\n`,
  ].join("\n\n");
}

function groupHelp(name: string, about: string): string {
  const members = entries
    .filter(({ names }) => names[0]?.startsWith(`${name} `))
    .map((entry) => ({ name: entry.names[0]?.slice(name.length + 1) ?? "", about: entry.about }));
  return [
    usageLine(`${PROGRAM} ${name}`, "COMMAND"),
    about,
    `Commands:\n${commandUsages(members)}`,
    `Run '${PROGRAM} ${name} COMMAND --help' for more information on a command.\n`,
  ].join("\n\n");
}

const findEntry = (name: string): Entry | undefined => entries.find((entry) => entry.names.includes(name));
const findGroup = (name: string): { name: string; about: string } | undefined =>
  groups.find((group) => group.name === name);

type Resolved =
  | {
      readonly kind: "command";
      readonly name: string;
      readonly entry: Entry;
      readonly words: readonly string[];
    }
  | { readonly kind: "help"; readonly text: string; readonly explicit: boolean };

/** Which command the words name. Throws ArgumentError with its place. */
function resolveCommand(words: readonly string[]): Resolved {
  const [first = "", second] = words;
  if (first === "" || first === "help") return resolveHelp(words.slice(1), first === "help");
  const direct = findEntry(first);
  if (direct !== undefined) return { kind: "command", name: first, entry: direct, words: words.slice(1) };
  const group = findGroup(first);
  if (group === undefined) {
    refuseKnown(first);
    throw new PlacedError(new ArgumentError(`${PROGRAM}: unknown command: ${PROGRAM} ${first}`), undefined);
  }
  if (second === undefined || second === "--help" || second === "-h")
    return { kind: "help", text: groupHelp(group.name, group.about), explicit: second !== undefined };
  const name = `${first} ${second}`;
  const entry = findEntry(name);
  if (entry !== undefined) return { kind: "command", name, entry, words: words.slice(2) };
  refuseKnown(name);
  const place = { path: `${PROGRAM} ${first}`, usage: "" };
  if (second.startsWith("-")) throw new PlacedError(new FlagError(`unknown flag: ${second}`), place);
  throw new PlacedError(new ArgumentError(`${PROGRAM}: unknown command: ${PROGRAM} ${name}`), place);
}

function resolveHelp(words: readonly string[], explicit: boolean): Resolved {
  if (words.length === 0) return { kind: "help", text: programHelp(), explicit };
  const found = resolveCommand(words);
  return found.kind === "help" ? found : { ...found, words: ["--help"] };
}

function refuseKnown(name: string): void {
  if (unsupportedCommands.includes(name))
    throw new ExitError(1, `${PROGRAM} ${name} is not supported by this version of Gantry`);
}

/** An error of the command line together with the command it belongs to. */
class PlacedError extends Error {
  readonly reason: FlagError | ArgumentError;
  readonly place: Place | undefined;

  constructor(reason: FlagError | ArgumentError, place: Place | undefined, options?: ErrorOptions) {
    super(reason.message, options);
    this.reason = reason;
    this.place = place;
  }
}

const placed = (error: FlagError | ArgumentError, place: Place): PlacedError =>
  new PlacedError(error, place, { cause: error });

function atPlace<T>(place: Place, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof FlagError || error instanceof ArgumentError ? placed(error, place) : error;
  }
}

function reportPlaced({ reason, place }: PlacedError): { code: number; text: string } {
  const verb = reason instanceof ArgumentError ? reason.verb : "Run";
  const usage = place === undefined ? "" : `${usageLine(place.path, place.usage)}\n\n`;
  const path = place?.path ?? PROGRAM;
  const text = `${reason.message}\n\n${usage}${verb} '${path} --help' for more information\n`;
  return { code: reason instanceof FlagError ? FLAG_ERROR : 1, text };
}

/** What the user reads, and the exit code. */
function report(error: unknown): { code: number; text: string } {
  if (error instanceof PlacedError) return reportPlaced(error);
  if (error instanceof ExitError)
    return { code: error.code, text: error.message === "" ? "" : `${error.message}\n` };
  return { code: 1, text: `${messageFor(error)}\n` };
}

async function runCommand(
  found: Extract<Resolved, { kind: "command" }>,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const { command }: { readonly command: Command } = await found.entry.load();
  const place = { path: `${PROGRAM} ${found.name}`, usage: command.usage };
  const flags = withHelp(command.flags, command.passThrough === true);
  const line = atPlace(place, () =>
    parseLine({ flags, interspersed: command.passThrough !== true }, found.words),
  );
  if (line.option(help)) {
    const aliases = found.entry.names.map((name) => `${PROGRAM} ${name}`);
    return session.out(commandHelp(place.path, { ...command, flags }, aliases));
  }
  atPlace(place, () => checkArguments(place.path, command.takes, line.arguments.length));
  await command.run({ ...line, session, signal });
}

function connectionOf(line: ParsedLine, surroundings: Surroundings): ConnectionOptions {
  try {
    return resolveConnection(line, surroundings.env);
  } catch (error) {
    throw new Error(`Failed to initialize: unable to resolve docker endpoint: ${messageFor(error)}`, {
      cause: error,
    });
  }
}

const LOG_LEVELS = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];

/** This client logs nothing, at any level; but a level must be one. */
function checkLogLevel(level: string): void {
  if (level !== "" && !LOG_LEVELS.includes(level.toLowerCase()))
    throw new ExitError(1, `Unable to parse logging level: ${level}`);
}

async function runLine(line: ParsedLine, surroundings: Surroundings, signal: AbortSignal): Promise<number> {
  if (line.option(GLOBAL.version)) {
    surroundings.stdout.write(`Gantry version ${VERSION}\n`);
    return 0;
  }
  checkLogLevel(line.option(GLOBAL.logLevel));
  const words = line.option(help) ? ["help", ...line.arguments] : line.arguments;
  const found = resolveCommand(words);
  if (found.kind === "help") {
    (found.explicit ? surroundings.stdout : surroundings.stderr).write(found.text);
    return 0;
  }
  using session = new Session(
    surroundings,
    {
      ...connectionOf(line, surroundings),
      autostart: !line.option(GLOBAL.noAutostart),
      debug: line.option(GLOBAL.debug),
    },
    (words, ownSignal) => runProgram(words, surroundings, ownSignal),
  );
  await runCommand(found, session, signal);
  return 0;
}

/** Runs one command line (without the program's own name) and returns its exit code; never rejects. */
export async function runProgram(
  words: readonly string[],
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<number> {
  try {
    const grammar = { flags: withHelp(globalFlags, false), interspersed: false };
    const line = atPlace(ROOT, () => parseLine(grammar, words));
    return await runLine(line, surroundings, signal);
  } catch (error) {
    const { code, text } = report(error);
    surroundings.stderr.write(text);
    return code;
  }
}

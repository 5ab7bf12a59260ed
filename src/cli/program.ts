// The program: global flags, then the words of a command, then the command; and what is printed when it fails.

import { entries, groups, unsupportedCommands } from "./commands/tree.table.ts";
import { GLOBAL, globalFlags, resolveConnection } from "./connection.ts";
import { refuseContentTrust } from "./content-trust.ts";
import { type Command, checkArguments } from "./grammar/command.ts";
import { ArgumentError, ExitError, FlagError } from "./grammar/errors.ts";
import { type AnyFlag, toggle } from "./grammar/flags.ts";
import { commandHelp, usageLine } from "./grammar/help.ts";
import { type ParsedLine, parseLine } from "./grammar/parse.ts";
import type { Entry, Group } from "./grammar/tree.ts";
import { messageFor } from "./messages.ts";
import { groupHelp, programHelp } from "./program-help.ts";
import { Session, type Surroundings } from "./session.ts";
import { suggestionText } from "./suggestions.ts";
import { PROGRAM, VERSION } from "./version.ts";

const FLAG_ERROR = 125;
const help = toggle("help", { about: "Print usage" });
const shortHelp = toggle("help", { short: "h", deprecatedShort: "use --help" });

/** Where in the tree an error happened: decides which usage follows the message. */
interface Place {
  readonly path: string;
  readonly usage: string;
}

const ROOT: Place = { path: PROGRAM, usage: "[OPTIONS] COMMAND [ARG...]" };

/** "-h" is help's, but where a flag of the command has it; then help is told of. */
const withHelp = (flags: readonly AnyFlag[]): readonly AnyFlag[] => [
  ...flags,
  flags.some((flag) => flag.short === "h") ? help : shortHelp,
];

const findEntry = (name: string): Entry | undefined => entries.find((entry) => entry.names.includes(name));
const findGroup = (name: string): Group | undefined => groups.find((group) => group.name === name);

type Resolved =
  | {
      readonly kind: "command";
      readonly name: string;
      readonly entry: Entry;
      readonly words: readonly string[];
    }
  | { readonly kind: "help"; readonly of: Group | undefined; readonly explicit: boolean };

const unknownCommand = (path: string, mistyped: string, names: readonly string[]): ArgumentError =>
  new ArgumentError(`${PROGRAM}: unknown command: ${path} ${mistyped}${suggestionText(mistyped, names)}`);

const visibleNames = (): readonly string[] =>
  entries.filter(({ hidden }) => hidden !== true).flatMap(({ names }) => names);

/** Which command the words name. Throws ArgumentError with its place. */
function resolveCommand(words: readonly string[]): Resolved {
  const [first = "", second] = words;
  if (first === "") return { kind: "help", of: undefined, explicit: false };
  if (first === "help") return resolveHelp(words.slice(1));
  const direct = findEntry(first);
  if (direct !== undefined) return { kind: "command", name: first, entry: direct, words: words.slice(1) };
  const group = findGroup(first);
  if (group === undefined) {
    refuseKnown(first);
    const top = visibleNames().filter((name) => !name.includes(" "));
    const names = [...top, ...groups.map(({ name }) => name)];
    throw new PlacedError(unknownCommand(PROGRAM, first, names), undefined);
  }
  if (second === undefined || second === "--help" || second === "-h")
    return { kind: "help", of: group, explicit: second !== undefined };
  return resolveMember(group, second, words.slice(2));
}

function resolveMember(group: Group, verb: string, words: readonly string[]): Resolved {
  const name = `${group.name} ${verb}`;
  const entry = findEntry(name);
  if (entry !== undefined) return { kind: "command", name, entry, words };
  refuseKnown(name);
  const path = `${PROGRAM} ${group.name}`;
  if (verb.startsWith("-")) {
    const place = { path, usage: group.usage ?? "" };
    throw atPlaceError(place, () => parseLine({ flags: [], interspersed: false }, [verb]));
  }
  const members = visibleNames()
    .filter((member) => member.startsWith(`${group.name} `))
    .map((member) => member.slice(group.name.length + 1));
  throw new PlacedError(unknownCommand(path, verb, members), { path, usage: group.usage ?? "" });
}

/** `help WORDS`; what follows a command's name does not matter. */
function resolveHelp(words: readonly string[]): Resolved {
  if (words.length === 0) return { kind: "help", of: undefined, explicit: true };
  const [first = "", second] = words;
  const isTopic = findEntry(first) !== undefined || findGroup(first) !== undefined;
  const isMember = second === undefined || findEntry(first) !== undefined || findEntry(`${first} ${second}`);
  if (!isTopic || !isMember) {
    refuseKnown(words.slice(0, 2).join(" "));
    refuseKnown(first);
    throw new ExitError(1, `unknown help topic: ${words.join(" ")}`);
  }
  const found = resolveCommand(words);
  return found.kind === "help" ? { ...found, explicit: true } : { ...found, words: ["--help"] };
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

/** The error of a step that must fail, with its place. */
function atPlaceError(place: Place, step: () => unknown): unknown {
  try {
    atPlace(place, step);
    return new PlacedError(new ArgumentError(`${PROGRAM}: unknown command`), place);
  } catch (error) {
    return error;
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
  const flags = withHelp(command.flags);
  const words = command.verbatim === true ? ["--", ...found.words] : found.words;
  const grammar = { flags, interspersed: command.passThrough !== true };
  const line = atPlace(place, () => parseLine(grammar, words));
  for (const notice of line.notices) session.out(`${notice}\n`);
  if (line.option(help)) {
    const aliases = found.entry.names.map((name) => `${PROGRAM} ${name}`);
    return session.out(commandHelp(place.path, { ...command, flags }, aliases));
  }
  atPlace(place, () => checkArguments(place.path, command.takes, line.arguments.length));
  refuseContentTrust(command, line, session.surroundings.env);
  await command.run({ ...line, session, tree: { entries, groups }, signal });
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
    const text = found.of === undefined ? programHelp(surroundings.env) : groupHelp(found.of);
    (found.explicit ? surroundings.stdout : surroundings.stderr).write(text);
    return 0;
  }
  using session = new Session(
    surroundings,
    {
      ...resolveConnection(line, surroundings.env),
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
    const grammar = { flags: withHelp(globalFlags), interspersed: false };
    const line = atPlace(ROOT, () => parseLine(grammar, words));
    return await runLine(line, surroundings, signal);
  } catch (error) {
    const { code, text } = report(error);
    surroundings.stderr.write(text);
    return code;
  }
}

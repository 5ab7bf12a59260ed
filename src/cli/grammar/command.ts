// A command as data: what may be written after its name, what help says, and what it does.

import type { Session } from "../session.ts";
import { ArgumentError } from "./errors.ts";
import type { AnyFlag } from "./flags.ts";
import type { ParsedLine } from "./parse.ts";
import type { CommandTree } from "./tree.ts";

export interface Call extends ParsedLine {
  readonly session: Session;
  /** All commands, for the one that completes their words. */
  readonly tree: CommandTree;
  /** Aborts when the user interrupts the program. */
  readonly signal: AbortSignal;
}

export interface Command {
  /** What follows the command's name in its usage: "[OPTIONS] CONTAINER [CONTAINER...]". */
  readonly usage: string;
  readonly about: string;
  readonly flags: readonly AnyFlag[];
  /** How many arguments it takes: at least, at most. */
  readonly takes: readonly [number, number];
  /** All words after the first argument belong to it, flags or not. */
  readonly passThrough?: boolean;
  /** All words are arguments, flags or not. */
  readonly verbatim?: boolean;
  readonly run: (call: Call) => Promise<void>;
}

export const ANY = Number.POSITIVE_INFINITY;

const counted = (count: number): string => (count === 1 ? "1 argument" : `${count} arguments`);

/** Throws ArgumentError in Docker's words. */
export function checkArguments(path: string, takes: Command["takes"], given: number): void {
  const [least, most] = takes;
  const program = path.split(" ")[0];
  if (given >= least && given <= most) return;
  const requires = `${program}: '${path}' requires`;
  if (most === 0) throw new ArgumentError(`${program}: '${path}' accepts no arguments`);
  if (least === most) throw new ArgumentError(`${requires} ${counted(least)}`);
  if (most === ANY) throw new ArgumentError(`${requires} at least ${counted(least)}`, "See");
  // Docker's own slip.
  if (least === 0) throw new ArgumentError(`${requires} at most ${counted(most)}`, "SRun");
  throw new ArgumentError(`${requires} at least ${least} and at most ${counted(most)}`);
}

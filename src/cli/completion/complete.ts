// What may stand at the cursor.

import type { CommandTree } from "../grammar/tree.ts";
import type { Session } from "../session.ts";
import { type Candidate, namesOf } from "./names.ts";
import { findPlace, type Place } from "./place.ts";
import { argumentValues, filterValues, flagValues, type Values } from "./values.table.ts";

/** Bits of the number that ends the answer, as the shells' scripts read it. */
export const DIRECTIVE = { failed: 1, noSpace: 2, noFiles: 4 } as const;

export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly directive: number;
}

const NONE: Completion = { candidates: [], directive: DIRECTIVE.noFiles };

function commandNames({ entries, groups }: CommandTree, group: string | undefined): readonly Candidate[] {
  const prefix = group === undefined ? "" : `${group} `;
  const members = entries
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ names, about }) => names.map((name) => ({ name, about })))
    .filter(({ name }) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "))
    .map(({ name, about }) => ({ value: name.slice(prefix.length), about }));
  if (group !== undefined) return members;
  const nouns = groups.map(({ name, about }) => ({ value: name, about }));
  return [...members, ...nouns, { value: "help", about: "Help about any command" }];
}

function flagNames({ flags }: Place & { readonly kind: "flag" }): readonly Candidate[] {
  const shown = flags.filter(({ about, unsupported }) => about !== undefined && unsupported !== true);
  const long = shown.map(({ name, about = "" }) => ({
    value: `--${name}`,
    about: about.split("\n")[0] ?? "",
  }));
  return [...long, { value: "--help", about: "Print usage" }];
}

async function valuesOf(
  session: Session,
  values: Values,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  if (typeof values === "string") return await namesOf(session, values, signal);
  return values.map((value) => ({ value, about: "" }));
}

/** "status=run": the names of filters, or the values of the one that is written. */
async function filterCandidates(
  session: Session,
  name: string,
  word: string,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const filters = filterValues[name] ?? {};
  const equals = word.indexOf("=");
  if (equals < 0) return Object.keys(filters).map((filter) => ({ value: `${filter}=`, about: "" }));
  const known = await valuesOf(session, filters[word.slice(0, equals)] ?? "nothing", signal);
  return known.map(({ value, about }) => ({ value: word.slice(0, equals + 1) + value, about }));
}

/** "container:we": a container after the word that asks for one. */
async function joinedContainers(
  session: Session,
  word: string,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  if (!word.startsWith("container:")) return [];
  const running = await namesOf(session, "running", signal);
  return running.map(({ value, about }) => ({ value: `container:${value}`, about }));
}

export interface Asked {
  readonly session: Session;
  readonly tree: CommandTree;
}

async function candidatesOf(asked: Asked, place: Place, signal: AbortSignal): Promise<readonly Candidate[]> {
  const { session } = asked;
  switch (place.kind) {
    case "command":
      return commandNames(asked.tree, place.group);
    case "flag":
      return flagNames(place);
    case "value": {
      const { flag, word, before, verb } = place;
      const name = verb?.entry.names[0] ?? "";
      if (flag.name === "filter") return await filterCandidates(session, name, word, signal);
      const known = await valuesOf(session, flagValues[flag.name] ?? "nothing", signal);
      const joined = ["ipc", "network", "pid"].includes(flag.name)
        ? await joinedContainers(session, word, signal)
        : [];
      return [...known, ...joined].map(({ value, about }) => ({ value: before + value, about }));
    }
    case "argument":
      return await valuesOf(session, argumentsAt(place), signal);
    case "nowhere":
      return [];
    default:
      return place satisfies never;
  }
}

function argumentsAt({ verb, given }: Place & { readonly kind: "argument" }): Values {
  const all = argumentValues[verb.entry.names[0] ?? ""] ?? [];
  return all[given.length] ?? all.at(-1) ?? "nothing";
}

const wantsFiles = (place: Place): boolean =>
  (place.kind === "value" && flagValues[place.flag.name] === "files") ||
  (place.kind === "argument" &&
    (argumentsAt(place) === "files" || place.verb.entry.names[0] === "container cp"));

/** `words` without the program's name; the last is unfinished. Rejects if the daemon does not answer. */
export async function complete(
  asked: Asked,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Completion> {
  const place = await findPlace(asked.tree, words);
  if (place.kind === "nowhere") return NONE;
  const word = place.kind === "value" ? place.before + place.word : place.word;
  const given = place.kind === "argument" ? place.given : [];
  const unique = new Map((await candidatesOf(asked, place, signal)).map((one) => [one.value, one]));
  const candidates = [...unique.values()].filter(
    ({ value }) => value.startsWith(word) && !given.includes(value),
  );
  const goesOn = candidates.length > 0 && candidates.every(({ value }) => /[=:,/]$/.test(value));
  return {
    candidates: candidates.sort((a, b) => (a.value < b.value ? -1 : 1)),
    directive: (goesOn ? DIRECTIVE.noSpace : 0) + (wantsFiles(place) ? 0 : DIRECTIVE.noFiles),
  };
}

// containerd's filter language:
//
//   filter   = selector *("," selector)            all selectors must match
//   selector = path [("==" | "!=" | "~=") value]   a path alone asks whether it is there
//   path     = field *("." field)
//   field    = word | quoted
//   value    = quoted | anything up to "," or white space; after "~=" also quoted by "/" or "|"
//
// Of several filters any may match; no filter matches everything.

import { invalidArgument } from "./failures.ts";

/** The value at a path, undefined if there is none. Labels come as ["labels", "the.key"] parts, joined by the adaptor. */
export type FieldReader = (path: readonly string[]) => string | undefined;
export type Filter = (read: FieldReader) => boolean;

type Operator = "==" | "!=" | "~=";

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  take(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  fail(wanted: string): never {
    throw invalidArgument(`filters: parse error: [${this.#text} >|${this.#at}|<]: ${wanted}`);
  }
}

const word = /[A-Za-z0-9_][A-Za-z0-9_-]*/y;
const doubleQuoted = /"(?:[^"\\]|\\.)*"/y;
const slashQuoted = /\/(?:[^/\\]|\\.)*\//y;
const barQuoted = /\|(?:[^|\\]|\\.)*\|/y;
const bare = /[^\s,]+/y;

const unquote = (text: string): string =>
  text.slice(1, -1).replaceAll(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
/** Between "/" or "|" only the quote itself is escaped: the rest belongs to the regular expression. */
const unquoteRegExp = (text: string): string =>
  text.slice(1, -1).replaceAll(`\\${text.slice(0, 1)}`, text.slice(0, 1));

function scanField(scanner: Scanner): string {
  const quoted = scanner.match(doubleQuoted);
  return quoted === undefined ? (scanner.match(word) ?? scanner.fail("expected field")) : unquote(quoted);
}

function scanValue(scanner: Scanner, operator: Operator): string {
  const quoted = scanner.match(doubleQuoted);
  if (quoted !== undefined) return unquote(quoted);
  const pattern = operator === "~=" ? (scanner.match(slashQuoted) ?? scanner.match(barQuoted)) : undefined;
  if (pattern !== undefined) return unquoteRegExp(pattern);
  return scanner.match(bare) ?? scanner.fail("expected value or quoted");
}

function toRegExp(scanner: Scanner, source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    return scanner.fail(`bad regular expression ${source}`);
  }
}

function scanSelector(scanner: Scanner): Filter {
  const path = [scanField(scanner)];
  while (scanner.take(".")) path.push(scanField(scanner));
  if (scanner.take("==")) {
    const value = scanValue(scanner, "==");
    return (read) => read(path) === value;
  }
  if (scanner.take("!=")) {
    const value = scanValue(scanner, "!=");
    return (read) => read(path) !== value;
  }
  if (scanner.take("~=")) {
    const pattern = toRegExp(scanner, scanValue(scanner, "~="));
    return (read) => {
      const value = read(path);
      return value !== undefined && pattern.test(value);
    };
  }
  return (read) => read(path) !== undefined;
}

function parseOne(text: string): Filter {
  const scanner = new Scanner(text.trim());
  if (scanner.done) return () => true;
  const selectors = [scanSelector(scanner)];
  while (!scanner.done) {
    if (!scanner.take(",")) scanner.fail("expected separator or end");
    selectors.push(scanSelector(scanner));
  }
  return (read) => selectors.every((selector) => selector(read));
}

export function parseFilters(texts: readonly string[]): Filter {
  const filters = texts.map(parseOne);
  return filters.length === 0 ? () => true : (read) => filters.some((filter) => filter(read));
}

/** Reads "labels.KEY" (the key may hold dots) from `labels` and any other path from `fields`. */
export const readerOf =
  (fields: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): FieldReader =>
  ([first = "", ...rest]) => {
    if (first === "labels" && rest.length > 0) return labels[rest.join(".")];
    const value = fields[[first, ...rest].join(".")];
    return value === "" ? undefined : value;
  };

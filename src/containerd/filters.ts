// containerd's filter language:
//
//   filter   = selector *("," selector)            all selectors must match
//   selector = path [("==" | "!=" | "~=") value]   a path alone asks whether it is there
//   path     = field *("." field)
//   field    = word | quoted
//   value    = quoted | anything up to "," or white space
//   quoted   = between two of `"`; but for "==" and "!=" also of "/" or "|"
//
// Of several filters any may match; no filter matches everything.

import { invalidArgument } from "./failures.ts";

/** The value at a path, undefined if there is none. Labels come as ["labels", "the.key"] parts, joined by the adaptor. */
export type FieldReader = (path: readonly string[]) => string | undefined;
export type Filter = (read: FieldReader) => boolean;

type Kind = "field" | "value" | "quoted" | "operator" | "separator" | "illegal" | "end";

interface Token {
  readonly kind: Kind;
  readonly text: string;
  /** Where it begins. */
  readonly at: number;
}

const space = /\s*/y;
const field = /[A-Za-z0-9_-]+/y;
const operator = /[=!~]+/y;
/** Only after an operator. */
const value = /[^\s,]+/y;
const quoted: Readonly<Record<string, RegExp>> = {
  '"': /"(?:[^"\\\n]|\\.)*"/y,
  "/": /\/(?:[^/\\\n]|\\.)*\//y,
  "|": /\|(?:[^|\\\n]|\\.)*\|/y,
};

class Scanner {
  readonly #text: string;
  #at = 0;
  /** The operator that was read last, until its value is. */
  #operator = "";

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character, "" at the end. */
  get next(): string {
    return this.#text.charAt(this.#at);
  }

  scan(): Token {
    this.#match(space);
    const at = this.#at;
    const first = this.next;
    if (first === "") return { kind: "end", text: "", at };
    const quote = this.#isBare(first) ? undefined : quoted[first];
    if (quote !== undefined) return this.#take(quote, "quoted", at);
    if (first === "," || first === ".") {
      this.#at += 1;
      this.#operator = "";
      return { kind: "separator", text: first, at };
    }
    const found = this.#match(operator);
    if (found !== undefined) {
      this.#operator = found;
      return { kind: "operator", text: found, at };
    }
    if (this.#operator === "") return this.#take(field, "field", at);
    this.#operator = "";
    return this.#take(value, "value", at);
  }

  /** In containerd's words: what is around the place, and what is wrong there. */
  fail(wanted: string, at = this.#at): never {
    const text = this.#text;
    const place = at < text.length ? `${text.slice(0, at)} >|${text[at]}|< ${text.slice(at + 1)}` : text;
    throw invalidArgument(`filters: parse error: [${place}]: ${wanted}`);
  }

  /** Topics and paths are compared as they are: "/" and "|" quote regular expressions only. */
  #isBare(first: string): boolean {
    return (this.#operator === "==" || this.#operator === "!=") && first !== '"';
  }

  #take(pattern: RegExp, kind: Kind, at: number): Token {
    const text = this.#match(pattern);
    return text === undefined ? { kind: "illegal", text: this.next, at } : { kind, text, at };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** Between "/" or "|" only the quote itself is escaped: the rest belongs to the regular expression. */
function unquote(text: string): string {
  const [quote = ""] = text;
  const inner = text.slice(1, -1);
  if (quote !== '"') return inner.replaceAll(`\\${quote}`, quote);
  return inner.replaceAll(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
}

function refuse(scanner: Scanner, { kind, text, at }: Token, wanted: string): never {
  return scanner.fail(kind === "illegal" && text in quoted ? "quoted literal not terminated" : wanted, at);
}

function scanField(scanner: Scanner): string {
  const token = scanner.scan();
  if (token.kind === "field") return token.text;
  return token.kind === "quoted" ? unquote(token.text) : refuse(scanner, token, "expected field or quoted");
}

function scanOperator(scanner: Scanner): string {
  const token = scanner.scan();
  if (token.kind !== "operator") return refuse(scanner, token, 'expected an operator ("=="|"!="|"~=")');
  if (["==", "!=", "~="].includes(token.text)) return token.text;
  return scanner.fail(`unsupported operator ${JSON.stringify(token.text)}`, token.at);
}

function scanValue(scanner: Scanner): string {
  const token = scanner.scan();
  if (token.kind === "quoted") return unquote(token.text);
  return token.kind === "value" ? token.text : refuse(scanner, token, "expected value or quoted");
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
  while (scanner.next === ".") {
    scanner.scan();
    path.push(scanField(scanner));
  }
  if (scanner.next === "" || scanner.next === ",") return (read) => read(path) !== undefined;
  const operation = scanOperator(scanner);
  const wanted = scanValue(scanner);
  if (operation === "==") return (read) => read(path) === wanted;
  if (operation === "!=") return (read) => (read(path) ?? "") !== wanted;
  const pattern = toRegExp(scanner, wanted);
  return (read) => pattern.test(read(path) ?? "");
}

function parseOne(text: string): Filter {
  if (text === "") return () => true;
  const scanner = new Scanner(text);
  const selectors = [scanSelector(scanner)];
  while (scanner.next === ",") {
    scanner.scan();
    selectors.push(scanSelector(scanner));
  }
  if (scanner.next !== "") scanner.fail(`unexpected input: ${scanner.next}`);
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

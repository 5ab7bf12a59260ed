// TOML 1.0 as configuration files of registries use it: tables, dotted and quoted keys, strings, integers, booleans, arrays, inline tables.
// Dates, floats and arrays of tables are refused by name.

export type TomlValue = string | number | boolean | readonly TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

export class TomlError extends Error {
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
  }
}

/** Keys keep their order. Throws TomlError. */
export function parseToml(text: string): TomlTable {
  return new Parser(text).parse();
}

const BARE = /[A-Za-z0-9_-]+/y;
const SPACE = /[ \t]*/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const LINE_END = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
const INTEGER = /[+-]?[0-9](?:_?[0-9])*(?![0-9A-Za-z.:_-])/y;
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([btnfr"\\]))/y;
const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): TomlTable {
    const root: TomlTable = Object.create(null);
    const defined = new Set<TomlTable>();
    let current = root;
    for (;;) {
      this.#take(BLANK);
      if (this.#at >= this.#text.length) return root;
      if (this.#skip("[")) {
        if (this.#skip("[")) throw this.#error("arrays of tables are not supported");
        current = this.#descend(root, this.#key());
        this.#expect("]");
        if (defined.has(current)) throw this.#error("the table is there already");
        defined.add(current);
      } else {
        this.#pair(current);
      }
      if (this.#take(LINE_END) === undefined) throw this.#error("expected the end of the line");
    }
  }

  #pair(table: TomlTable): void {
    const path = this.#key();
    this.#expect("=");
    this.#take(SPACE);
    const value = this.#value();
    const name = path.at(-1) ?? "";
    const owner = this.#descend(table, path.slice(0, -1));
    if (name in owner) throw this.#error(`key ${JSON.stringify(name)} is there already`);
    owner[name] = value;
  }

  #descend(from: TomlTable, path: readonly string[]): TomlTable {
    let table = from;
    for (const name of path) {
      const next = table[name] ?? Object.create(null);
      table[name] = next;
      if (!isTable(next)) throw this.#error(`${JSON.stringify(name)} is not a table`);
      table = next;
    }
    return table;
  }

  #key(): readonly string[] {
    const parts: string[] = [];
    do {
      this.#take(SPACE);
      const quote = this.#text[this.#at];
      const part = quote === '"' || quote === "'" ? this.#string(quote) : this.#take(BARE);
      if (part === undefined) throw this.#error("expected a key");
      parts.push(part);
      this.#take(SPACE);
    } while (this.#skip("."));
    return parts;
  }

  #value(): TomlValue {
    const start = this.#text[this.#at];
    if (start === '"' || start === "'") return this.#string(start);
    if (this.#skip("[")) return this.#array();
    if (this.#skip("{")) return this.#inlineTable();
    if (this.#skip("true")) return true;
    if (this.#skip("false")) return false;
    const integer = this.#take(INTEGER);
    if (integer === undefined)
      throw this.#error("expected a string, an integer, a boolean, an array or a table");
    return Number(integer.replaceAll("_", ""));
  }

  #array(): readonly TomlValue[] {
    const items: TomlValue[] = [];
    for (;;) {
      this.#take(BLANK);
      if (this.#skip("]")) return items;
      items.push(this.#value());
      this.#take(BLANK);
      if (!this.#skip(",") && this.#text[this.#at] !== "]") throw this.#error('expected "," or "]"');
    }
  }

  #inlineTable(): TomlTable {
    const table: TomlTable = Object.create(null);
    this.#take(SPACE);
    if (this.#skip("}")) return table;
    do {
      this.#pair(table);
      this.#take(SPACE);
    } while (this.#skip(","));
    this.#expect("}");
    return table;
  }

  #string(quote: '"' | "'"): string {
    const triple = quote.repeat(3);
    const end = this.#skip(triple) ? triple : quote;
    if (end === quote) this.#at++;
    else if (this.#text[this.#at] === "\n") this.#at++;
    let value = "";
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || (character === "\n" && end === quote))
        throw this.#error("the string has no end");
      if (this.#skip(end)) return value;
      if (character === "\\" && quote === '"') {
        value += this.#escape(end === triple);
      } else {
        value += character;
        this.#at++;
      }
    }
  }

  #escape(multiline: boolean): string {
    if (multiline && /\\[ \t]*\r?\n/y.test(this.#text.slice(this.#at, this.#at + 80))) {
      this.#at++;
      this.#take(/[ \t\r\n]*/y);
      return "";
    }
    const found = this.#take(ESCAPE);
    if (found === undefined) throw this.#error("unknown escape");
    const named = ESCAPES[found[1] ?? ""];
    if (named !== undefined) return named;
    const code = Number.parseInt(found.slice(2), 16);
    if (code > 0x10ffff) throw this.#error("no such character");
    return String.fromCodePoint(code);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found[0];
  }

  #skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #expect(text: string): void {
    this.#take(SPACE);
    if (!this.#skip(text)) throw this.#error(`expected ${JSON.stringify(text)}`);
  }

  #error(message: string): TomlError {
    return new TomlError(this.#text.slice(0, this.#at).split("\n").length, message);
  }
}

const isTable = (value: TomlValue): value is TomlTable => typeof value === "object" && !Array.isArray(value);

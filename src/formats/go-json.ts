// JSON whose syntax errors are told as Go's encoding/json tells them, because Docker's clients show them to the user.

export type GoJson =
  | { readonly kind: "value"; readonly value: unknown }
  /** Nothing but white space. */
  | { readonly kind: "empty" }
  /** A value, and then something else. */
  | { readonly kind: "trailing" }
  | { readonly kind: "error"; readonly message: string };

/** Lists and objects in each other that Go reads. */
const MAX_DEPTH = 10_000;
const tooDeep: GoJson = { kind: "error", message: "exceeded max depth" };

export function parseGoJson(text: string): GoJson {
  if (text.length > 2 * MAX_DEPTH && isDeeper(text, MAX_DEPTH)) return tooDeep;
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch {
    return explain(text);
  }
}

function explain(text: string): GoJson {
  if (/^[ \t\r\n]*$/.test(text)) return { kind: "empty" };
  try {
    new Scanner(text).value();
    return { kind: "trailing" };
  } catch (error) {
    if (error instanceof ScanError) return { kind: "error", message: error.message };
    if (error instanceof RangeError) return tooDeep; // for this stack
    throw error;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The characters [ ] { } without the bit in which brackets and braces differ. */
const OPENING = 0x5b;
const CLOSING = 0x5d;
const BRACE_BIT = 0x20;

/** Counts brackets outside of strings, of a text that need not be JSON. Character by character, as bodies may have hundreds of thousands. */
function isDeeper(text: string, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString) {
      if (code === BACKSLASH) at++;
    } else if ((code & ~BRACE_BIT) === OPENING) {
      if (++depth > limit) return true;
    } else if ((code & ~BRACE_BIT) === CLOSING) depth--;
  }
  return false;
}

class ScanError extends Error {}

/** Walks the text as Go's scanner does and throws at the first character it would not accept. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): void {
    const char = this.#peek();
    if (char === "{") this.#list("}", () => this.#member());
    else if (char === "[") this.#list("]", () => this.value());
    else if (char === '"') this.#string();
    else if (char === "-" || isDigit(char)) this.#number();
    else this.#literal(["true", "false", "null"].find((word) => word.startsWith(char)));
  }

  #list(close: "}" | "]", item: () => void): void {
    this.#at++;
    let next = this.#peek() === close ? close : ",";
    if (next === close) this.#at++;
    while (next !== close) {
      item();
      next = this.#peek();
      if (next !== close && next !== ",")
        throw this.#unexpected(close === "}" ? "after object key:value pair" : "after array element");
      this.#at++;
    }
  }

  #member(): void {
    if (this.#peek() !== '"') throw this.#unexpected("looking for beginning of object key string");
    this.#string();
    if (this.#peek() !== ":") throw this.#unexpected("after object key");
    this.#at++;
    this.value();
  }

  #string(): void {
    this.#at++;
    for (let char = this.#here(); char !== '"'; char = this.#here()) {
      if (char < " ") throw this.#unexpected("in string literal");
      this.#at++;
      if (char === "\\") this.#escape();
    }
    this.#at++;
  }

  #escape(): void {
    const char = this.#here();
    if (!'bfnrt\\/"u'.includes(char)) throw this.#unexpected("in string escape code");
    this.#at++;
    for (let digits = 0; char === "u" && digits < 4; digits++) {
      if (!/[0-9a-fA-F]/.test(this.#here())) throw this.#unexpected("in \\u hexadecimal character escape");
      this.#at++;
    }
  }

  #number(): void {
    if (this.#here() === "-") this.#at++;
    if (this.#here() === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#text[this.#at] ?? "")) {
      this.#at++;
      if (/[+-]/.test(this.#here())) this.#at++;
      this.#digits("in exponent of numeric literal");
    }
  }

  #digits(where: string): void {
    if (!isDigit(this.#here())) throw this.#unexpected(where);
    while (isDigit(this.#text[this.#at] ?? "")) this.#at++;
  }

  #literal(word: string | undefined): void {
    if (word === undefined) throw this.#unexpected("looking for beginning of value");
    for (const expected of word) {
      if (this.#here() !== expected) throw this.#unexpected(`in literal ${word} (expecting '${expected}')`);
      this.#at++;
    }
  }

  #peek(): string {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
    return this.#here();
  }

  #here(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new ScanError("unexpected EOF");
    return char;
  }

  #unexpected(where: string): ScanError {
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    return new ScanError(`invalid character ${quote(char)} ${where}`);
  }
}

const isDigit = (char: string): boolean => char >= "0" && char <= "9" && char.length === 1;

function quote(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}

// Go's template language, first step: text and the tokens inside {{ }}.

export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "field"
  | "variable"
  | "dot"
  | "word"
  | "string"
  | "number"
  | "pipe"
  | "declare"
  | "assign"
  | "leftParen"
  | "rightParen"
  | "comma";

export interface Token {
  readonly kind: TokenKind;
  /** What the token means: a string's content, a field's name without the dot. */
  readonly text: string;
  readonly at: number;
  readonly end: number;
  /** White space stands before it; `.A.B` and `.A .B` differ. */
  readonly spaced: boolean;
}

export class TemplateSyntaxError extends Error {
  override readonly name = "TemplateSyntaxError";
}

const lineOf = (source: string, at: number): number => source.slice(0, at).split("\n").length;

export const syntaxError = (source: string, at: number, message: string): TemplateSyntaxError =>
  new TemplateSyntaxError(`template: :${lineOf(source, at)}: ${message}`);

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ["declare", /:=/y],
  ["assign", /=/y],
  ["pipe", /\|/y],
  ["leftParen", /\(/y],
  ["rightParen", /\)/y],
  ["comma", /,/y],
  ["field", /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["number", /[+-]?(?:0[xX][\da-fA-F_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ["dot", /\./y],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["string", /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`|'(?:[^'\\\n]|\\[^\n])+'/y],
];

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

function unquote(literal: string): string {
  if (literal.startsWith("`")) return literal.slice(1, -1);
  const sequence = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gsu;
  return literal.slice(1, -1).replace(sequence, (...groups: readonly unknown[]) => {
    const [, byte, short, long, octal, other] = groups.map((group) =>
      typeof group === "string" ? group : undefined,
    );
    const hex = byte ?? short ?? long;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    return ESCAPES[other ?? ""] ?? other ?? "";
  });
}

function contentOf(kind: TokenKind, literal: string): { kind: TokenKind; text: string } {
  if (kind === "field") return { kind, text: literal.slice(1) };
  if (kind !== "string") return { kind, text: literal };
  if (literal.startsWith("'")) return { kind: "number", text: String(unquote(literal).codePointAt(0) ?? 0) }; // a rune is a number
  return { kind, text: unquote(literal) };
}

/** The tokens between "{{" and "}}"; `at` is after the opening. Returns where the action ends. */
function scanAction(source: string, from: number, tokens: Token[]): number {
  let at = from;
  for (;;) {
    const space = /\s*/y;
    space.lastIndex = at;
    const spaced = (space.exec(source)?.[0].length ?? 0) > 0;
    if (spaced) at = space.lastIndex;
    if (source.startsWith("}}", at) || (spaced && source.startsWith("-}}", at))) return at;
    if (at >= source.length) throw syntaxError(source, at, "unclosed action");
    const token = scanToken(source, at, spaced);
    tokens.push(token);
    at = token.end;
  }
}

function scanToken(source: string, at: number, spaced: boolean): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const literal = pattern.exec(source)?.[0];
    if (literal === undefined) continue;
    return { ...contentOf(kind, literal), at, end: at + literal.length, spaced };
  }
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (/["`']/.test(character)) {
    const what =
      character === "`" ? "raw quoted string" : character === '"' ? "quoted string" : "character constant";
    throw syntaxError(source, at, `unterminated ${what}`);
  }
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw syntaxError(source, at, `unexpected U+${code} '${character}' in command`);
}

/** Where a comment, which fills its action, ends; undefined if the action holds none. */
function endOfComment(source: string, at: number): number | undefined {
  if (!source.startsWith("/*", at)) return undefined;
  const end = source.indexOf("*/", at + 2);
  if (end < 0) throw syntaxError(source, at, "unclosed comment");
  return end + 2;
}

const tokenAt = (kind: "text" | "open" | "close", text: string, at: number): Token => ({
  kind,
  text,
  at,
  end: at + text.length,
  spaced: false,
});

/** One action from its "{{" on; a comment is dropped. Returns the place of its "}}" or "-}}". */
function scanDelimited(source: string, open: number, inside: number, tokens: Token[]): number {
  const skipped = inside + (/^\s*/.exec(source.slice(inside))?.[0].length ?? 0);
  const comment = endOfComment(source, skipped);
  if (comment !== undefined) return scanAction(source, comment, tokens);
  tokens.push(tokenAt("open", "{{", open));
  const end = scanAction(source, inside, tokens);
  tokens.push(tokenAt("close", "}}", end));
  return end;
}

/** Tokens of a whole template: texts (trimmed as "{{-" and "-}}" ask), and open … close around each action. */
export function scanTemplate(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const found = source.indexOf("{{", at);
    const open = found < 0 ? source.length : found;
    const trimBefore = /^\{\{-\s/.test(source.slice(open, open + 4));
    const raw = source.slice(at, open);
    const started = trimNext ? raw.trimStart() : raw;
    const text = trimBefore ? started.trimEnd() : started;
    if (text !== "") tokens.push(tokenAt("text", text, at));
    if (found < 0) break;
    const end = scanDelimited(source, open, open + (trimBefore ? 3 : 2), tokens);
    trimNext = source.startsWith("-}}", end);
    at = end + (trimNext ? 3 : 2);
  }
  return tokens;
}

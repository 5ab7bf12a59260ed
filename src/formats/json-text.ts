// JSON laid out anew, token by token: the order of keys, the spelling of numbers and the escapes stay, as with Go's encoding/json.

/** Strings, single structural characters, and all else that stands between white space. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

const CLOSING: Readonly<Record<string, string>> = { "{": "}", "[": "]" };

/** `text` must be JSON. Empty lists and objects stay on one line. */
export function indentJson(text: string, indent: string): string {
  let depth = 0;
  let before = "";
  let laidOut = "";
  for (const token of text.match(TOKEN) ?? []) {
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    const isEmpty = closes && CLOSING[before] === token;
    const breaks = closes ? !isEmpty : before === "," || before in CLOSING;
    if (breaks) laidOut += `\n${indent.repeat(depth)}`;
    laidOut += token === ":" ? ": " : token;
    if (token in CLOSING) depth++;
    before = token;
  }
  return laidOut;
}

const ESCAPED: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** On one line, with the characters escaped that Go escapes for HTML. `text` must be JSON. */
export const compactJson = (text: string): string =>
  (text.match(TOKEN) ?? [])
    .join("")
    .replaceAll(/[<>&\u2028\u2029]/g, (character) => ESCAPED[character] ?? "");

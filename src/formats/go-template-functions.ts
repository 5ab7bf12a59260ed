// The functions that templates may call: Go's own, and those that Docker adds.

import { isMap, isTrue, print, toJson, typeName } from "./go-template-values.ts";

export type TemplateFunction = (args: readonly unknown[]) => unknown;

function asNumber(value: unknown): number {
  if (typeof value === "number") return value;
  throw new Error(`expected integer; found ${print(value)}`);
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`wrong type for value; expected string; got ${typeName(value)}`);
}

function element(container: unknown, key: unknown): unknown {
  if (Array.isArray(container) || typeof container === "string") {
    const at = asNumber(key);
    if (at < 0 || at >= container.length)
      throw new Error(`error calling index: reflect: slice index out of range`);
    return typeof container === "string" ? container.charCodeAt(at) : container[at];
  }
  if (isMap(container)) return container[String(key)] ?? "";
  throw new Error(`error calling index: can't index item of type ${typeName(container)}`);
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  if (value === null || value === undefined) throw new Error("error calling len: len of nil pointer");
  throw new Error(`error calling len: len of type ${typeName(value)}`);
}

function slice([value, from, to]: readonly unknown[]): unknown {
  if (!Array.isArray(value) && typeof value !== "string")
    throw new Error(`error calling slice: can't slice item of type ${typeName(value)}`);
  const start = from === undefined ? 0 : asNumber(from);
  const end = to === undefined ? value.length : asNumber(to);
  if (start < 0 || end > value.length) throw new Error(`error calling slice: index out of range: ${end}`);
  return value.slice(start, end);
}

function compare([a, b]: readonly unknown[]): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new Error("incompatible types for comparison");
}

function same(a: unknown, b: unknown): boolean {
  if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null);
  if (typeof a !== typeof b) throw new Error("incompatible types for comparison");
  return a === b;
}

const VERB = /%([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;

function formatVerb(verb: string, value: unknown, precision: string | undefined): string {
  switch (verb) {
    case "d":
      return print(value);
    case "q":
      return JSON.stringify(print(value));
    case "f":
      return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
    case "x":
      return typeof value === "number" ? value.toString(16) : Buffer.from(print(value)).toString("hex");
    case "X":
      return formatVerb("x", value, precision).toUpperCase();
    case "t":
    case "v":
    case "s": {
      const text = print(value);
      return precision === undefined ? text : [...text].slice(0, Number(precision)).join("");
    }
    case "T":
      return typeName(value);
    default:
      return `%!${verb}(${typeName(value)}=${print(value)})`;
  }
}

function printf([format, ...values]: readonly unknown[]): string {
  let used = 0;
  return asText(format).replace(VERB, (...found: readonly unknown[]) => {
    const [, flags = "", width, precision, verb = ""] = found.map((part) =>
      typeof part === "string" ? part : undefined,
    );
    if (verb === "%") return "%";
    if (used >= values.length) return `%!${verb}(MISSING)`;
    const text = formatVerb(verb, values[used++], precision);
    const size = Number(width ?? 0);
    if (flags.includes("-")) return text.padEnd(size);
    return text.padStart(size, flags.includes("0") ? "0" : " ");
  });
}

/** fmt.Print puts spaces between neighbours of which neither is a string. */
function printAll(values: readonly unknown[]): string {
  return values
    .map((value, at) => {
      const apart = at > 0 && typeof value !== "string" && typeof values[at - 1] !== "string";
      return (apart ? " " : "") + print(value);
    })
    .join("");
}

const truncate = (value: unknown, length: unknown): string =>
  [...asText(value)].slice(0, asNumber(length)).join("");

function pad([value, before, after]: readonly unknown[]): string {
  const text = asText(value);
  return text === "" ? "" : " ".repeat(asNumber(before)) + text + " ".repeat(asNumber(after));
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const GO: Readonly<Record<string, TemplateFunction>> = {
  not: ([value]) => !isTrue(value),
  len: ([value]) => lengthOf(value),
  index: ([container, ...keys]) => keys.reduce(element, container),
  slice,
  print: printAll,
  printf,
  println: (values) => `${values.map(print).join(" ")}\n`,
  eq: ([first, ...others]) => others.some((other) => same(first, other)),
  ne: ([a, b]) => !same(a, b),
  lt: (pair) => compare(pair) < 0,
  le: (pair) => compare(pair) <= 0,
  gt: (pair) => compare(pair) > 0,
  ge: (pair) => compare(pair) >= 0,
  html: ([value]) => escapeHtml(print(value)),
  urlquery: ([value]) => encodeURIComponent(print(value)),
};

const DOCKER: Readonly<Record<string, TemplateFunction>> = {
  json: ([value]) => toJson(value),
  split: ([text, separator]) => asText(text).split(asText(separator)),
  join: ([list, separator]) => (Array.isArray(list) ? list.map(print).join(asText(separator)) : print(list)),
  title: ([text]) =>
    asText(text).replace(
      /(^|[^\p{L}\p{Nd}'])(\p{L})/gu,
      (_, before, letter) => `${before}${String(letter).toUpperCase()}`,
    ),
  lower: ([text]) => asText(text).toLowerCase(),
  upper: ([text]) => asText(text).toUpperCase(),
  pad,
  truncate: ([text, length]) => truncate(text, length),
};

/** `and` and `or` are not here: they do not evaluate what they do not need, so the evaluator knows them. */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = { ...GO, ...DOCKER };

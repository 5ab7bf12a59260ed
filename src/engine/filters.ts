// Docker's list filters: {"label": {"a=b": true}}, or {"label": ["a=b"]} as old clients write it. All of a key's values
// are alternatives, all keys must hold.

import { isRecord } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";

export class Filters {
  readonly #fields: ReadonlyMap<string, readonly string[]>;

  constructor(fields: ReadonlyMap<string, readonly string[]>) {
    this.#fields = fields;
  }

  get empty(): boolean {
    return this.#fields.size === 0;
  }

  keys(): readonly string[] {
    return [...this.#fields.keys()];
  }

  /** [] if the key was not given. */
  values(key: string): readonly string[] {
    return this.#fields.get(key) ?? [];
  }

  has(key: string): boolean {
    return this.#fields.has(key);
  }

  /** Throws for a key that is not among the accepted. */
  validate(accepted: readonly string[]): void {
    for (const key of this.#fields.keys())
      if (!accepted.includes(key)) throw invalid(`invalid filter '${key}'`);
  }

  /** True if the key was not given or one of its values is the source. */
  matchExact(key: string, source: string): boolean {
    return !this.has(key) || this.values(key).includes(source);
  }

  /** True if the key was not given or the source begins with one of its values. */
  matchPrefix(key: string, source: string): boolean {
    return !this.has(key) || this.values(key).some((value) => source.startsWith(value));
  }

  /** True if the key was not given or one of its values, read as a regular expression, is found in the source. */
  matchPattern(key: string, source: string): boolean {
    return !this.has(key) || this.values(key).some((value) => found(value, source));
  }

  /** Every value "k" or "k=v" must hold of the pairs (labels). */
  matchPairs(key: string, pairs: Readonly<Record<string, string>> | null | undefined): boolean {
    return this.values(key).every((value) => {
      const at = value.indexOf("=");
      const name = at < 0 ? value : value.slice(0, at);
      if (pairs === null || pairs === undefined || !Object.hasOwn(pairs, name)) return false;
      return at < 0 || pairs[name] === value.slice(at + 1);
    });
  }

  /** The filters "label" and "label!": what must and what must not hold of the labels. */
  matchLabels(labels: Readonly<Record<string, string>> | null | undefined): boolean {
    return this.matchPairs("label", labels) && !(this.has("label!") && this.matchPairs("label!", labels));
  }

  /** Throws if the value is no boolean, or if there are two that contradict each other. */
  flag(key: string, byDefault: boolean): boolean {
    if (!this.has(key)) return byDefault;
    const values = this.values(key);
    const truths = new Set(values.map((value) => booleans.get(value.toLowerCase())));
    const [truth] = truths;
    if (truths.size !== 1 || truth === undefined)
      throw invalid(`invalid filter '${key}=[${values.join(" ")}]'`);
    return truth;
  }

  /** Throws for values that are not among the allowed. */
  allowOnly(key: string, allowed: readonly string[]): void {
    for (const value of this.values(key))
      if (!allowed.includes(value)) throw invalid(`invalid filter '${key}=${value}'`);
  }
}

const booleans = new Map([
  ["1", true],
  ["true", true],
  ["0", false],
  ["false", false],
]);

function found(pattern: string, source: string): boolean {
  if (pattern === source) return true;
  try {
    return new RegExp(pattern).test(source);
  } catch {
    return false;
  }
}

/** `text` is the query's `filters`; null and "" are no filters. */
export function parseFilters(text: string | null): Filters {
  if (text === null || text === "") return new Filters(new Map());
  const value = parseJson(text);
  if (!isRecord(value)) throw invalid("invalid filter");
  const fields = Object.entries(value).map(([key, values]) => [key, readValues(values)] as const);
  return new Filters(new Map(fields.filter(([, values]) => values.length > 0)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid("invalid filter", { cause: error });
  }
}

function readValues(values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) return values;
  if (isRecord(values) && Object.values(values).every((value) => typeof value === "boolean"))
    return Object.keys(values);
  throw invalid("invalid filter");
}

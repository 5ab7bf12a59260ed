// Reads `unknown` input into typed values; the only place where a value's type is claimed rather than inferred.

/** A value that is not what the reader wanted; `path` names it: "process.args[0]". */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly path: string;

  constructor(path: string, expected: string, value: unknown) {
    super(`${path === "" ? "value" : path}: expected ${expected}, got ${describe(value)}`);
    this.path = path;
  }
}

export type Decoder<T> = (value: unknown, path: string) => T;
export type Decoded<D> = D extends Decoder<infer T> ? T : never;

const describe = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const string: Decoder<string> = (value, path) => {
  if (typeof value !== "string") throw new DecodeError(path, "string", value);
  return value;
};

export const boolean: Decoder<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw new DecodeError(path, "boolean", value);
  return value;
};

export const number: Decoder<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new DecodeError(path, "number", value);
  return value;
};

export const integer: Decoder<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw new DecodeError(path, "integer", value);
  return value;
};

export const unknown: Decoder<unknown> = (value) => value;

export const literal =
  <const T extends string>(...allowed: readonly T[]): Decoder<T> =>
  (value, path) => {
    const found = allowed.find((text) => text === value);
    if (found === undefined)
      throw new DecodeError(path, allowed.map((text) => `"${text}"`).join(" or "), value);
    return found;
  };

// A list or an object that has nothing to leave out or to change is not copied: it would be slower, and the copy larger than what JSON.parse
// made. The copy begins with the first element or field that is different.

/** null is read as an empty list, as Go does. */
export const array =
  <T>(item: Decoder<T>): Decoder<readonly T[]> =>
  (value, path) => {
    if (value === null) return [];
    if (!Array.isArray(value)) throw new DecodeError(path, "array", value);
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index++) {
      const decoded = item(value[index], `${path}[${index}]`);
      if (copy === undefined && decoded !== value[index]) copy = value.slice(0, index);
      copy?.push(decoded);
    }
    return (copy ?? value) as readonly T[];
  };

/** null is read as an empty record, as Go does. */
export const record =
  <T>(item: Decoder<T>): Decoder<Readonly<Record<string, T>>> =>
  (value, path) => {
    if (value === null) return {};
    if (!isRecord(value)) throw new DecodeError(path, "object", value);
    const keys = Object.keys(value);
    const fields = keys.map((key) => item(value[key], `${path}.${key}`));
    if (keys.every((key, index) => value[key] === fields[index])) return value as Readonly<Record<string, T>>;
    return Object.fromEntries(keys.map((key, index) => [key, fields[index] as T]));
  };

type Shape = Readonly<Record<string, Decoder<unknown>>>;
type ObjectOf<R extends Shape, O extends Shape> = { readonly [K in keyof R]: Decoded<R[K]> } & {
  readonly [K in keyof O]?: Decoded<O[K]>;
};

/** Known fields only, in the order of the shape; a null or absent optional field is left out. */
export const object = <R extends Shape, O extends Shape>(
  required: R,
  optional: O,
): Decoder<ObjectOf<R, O>> => {
  const shape = [...fieldsOf(required, true), ...fieldsOf(optional, false)];
  return (value, path) => {
    if (!isRecord(value)) throw new DecodeError(path, "object", value);
    const before = below(path);
    const own = Object.keys(value);
    let same = 0; // fields that are the object's own first ones, unchanged
    let copy: Record<string, unknown> | undefined;
    for (const { key, decode, needed } of shape) {
      const field = value[key];
      if (!needed && isAbsent(field)) continue;
      const decoded = decode(field, before + key);
      if (copy === undefined && decoded === field && own[same] === key) same++;
      else {
        copy ??= pick(value, own, same);
        copy[key] = decoded;
      }
    }
    return (copy ?? firstOf(value, own, same)) as ObjectOf<R, O>;
  };
};

const fieldsOf = (shape: Shape, needed: boolean) =>
  Object.entries(shape).map(([key, decode]) => ({ key, decode, needed }));

const below = (path: string): string => (path === "" ? "" : `${path}.`);
const isAbsent = (field: unknown): boolean => field === undefined || field === null;

/** `keys` are the object's own. */
const firstOf = (value: Readonly<Record<string, unknown>>, keys: readonly string[], count: number) =>
  count === keys.length ? value : pick(value, keys, count);

/** A copy of the first `count` of these keys. */
function pick(
  value: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  count: number,
): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const key of keys.slice(0, count)) picked[key] = value[key];
  return picked;
}

/** null and what is missing are null. */
export const orNull =
  <T>(decode: Decoder<T>): Decoder<T | null> =>
  (value, path) =>
    value === undefined || value === null ? null : decode(value, path);

/** For readers driven by a table that was made together with the type: they have checked what the compiler cannot see. */
export const claimed = <T>(checked: unknown): T => checked as T;

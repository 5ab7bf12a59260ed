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

/** null is read as an empty list, as Go does. */
export const array =
  <T>(item: Decoder<T>): Decoder<readonly T[]> =>
  (value, path) => {
    if (value === null) return [];
    if (!Array.isArray(value)) throw new DecodeError(path, "array", value);
    return value.map((element: unknown, index) => item(element, `${path}[${index}]`));
  };

/** null is read as an empty record, as Go does. */
export const record =
  <T>(item: Decoder<T>): Decoder<Readonly<Record<string, T>>> =>
  (value, path) => {
    if (value === null) return {};
    if (!isRecord(value)) throw new DecodeError(path, "object", value);
    return Object.fromEntries(
      Object.entries(value).map(([key, element]) => [key, item(element, `${path}.${key}`)]),
    );
  };

type Shape = Readonly<Record<string, Decoder<unknown>>>;
type ObjectOf<R extends Shape, O extends Shape> = { readonly [K in keyof R]: Decoded<R[K]> } & {
  readonly [K in keyof O]?: Decoded<O[K]>;
};

/** Known fields only; a null or absent optional field is left out. */
export const object =
  <R extends Shape, O extends Shape>(required: R, optional: O): Decoder<ObjectOf<R, O>> =>
  (value, path) => {
    if (!isRecord(value)) throw new DecodeError(path, "object", value);
    const result: Record<string, unknown> = {};
    const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
    for (const [key, decode] of Object.entries(required)) result[key] = decode(value[key], at(key));
    for (const [key, decode] of Object.entries(optional)) {
      const field = value[key];
      if (field !== undefined && field !== null) result[key] = decode(field, at(key));
    }
    return result as ObjectOf<R, O>;
  };

/** For readers driven by a table that was made together with the type: they have checked what the compiler cannot see. */
export const claimed = <T>(checked: unknown): T => checked as T;

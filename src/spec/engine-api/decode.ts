// Reads a request body as Go's encoding/json reads it into Docker's structures: unknown fields are ignored, field names
// match without regard to case, null leaves the zero value, and a wrong type is refused in Go's words.

import { claimed, isRecord } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import type { Definitions } from "./definitions.table.ts";
import { shapes } from "./shapes.table.ts";

export type Scalar = "string" | "bool" | "float64" | "any" | "struct" | IntegerType;
export type IntegerType = "int" | "int64" | "uint8" | "uint16" | "uint32" | "uint64";

/** `single`: one bare value counts as a list of one. `required` fields get their zero value when absent. */
export type Shape =
  | Scalar
  | { readonly list: Shape; readonly single?: true }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>>; readonly required?: readonly string[] }
  | { readonly ref: keyof Definitions };

interface Place {
  /** Go's name of the innermost structure. */
  readonly struct: string;
  /** Field names from the outermost structure on. */
  readonly fields: readonly string[];
}

/** Docker's names for structures that the API's definitions call otherwise. */
const goNames: Readonly<Record<string, string>> = {
  ContainerConfig: "Config",
  ContainerCreateRequest: "CreateRequest",
  ContainerExecRequest: "ExecOptions",
  ExecStartRequest: "ExecStartOptions",
  NetworkCreateRequest: "CreateRequest",
};

/** `value` is parsed JSON; undefined (no body) reads as null. Throws `invalid` with Docker's text. */
export function decodeBody<N extends keyof Definitions>(name: N, value: unknown): Definitions[N] {
  const decoded = read({ ref: name }, value ?? null, { struct: "", fields: [] });
  return claimed<Definitions[N]>(decoded);
}

function read(shape: Shape, value: unknown, place: Place): unknown {
  if (typeof shape === "string") return value === null ? zeroOf(shape) : readScalar(shape, value, place);
  if ("ref" in shape)
    return read(shapes[shape.ref], value, { ...place, struct: goNames[shape.ref] ?? shape.ref });
  if ("list" in shape) return readList(shape, value, place);
  if ("map" in shape) return readMap(shape.map, value, place);
  return readFields(shape, value, place);
}

function readList(shape: { list: Shape; single?: true }, value: unknown, place: Place): unknown {
  if (value === null) return [];
  if (shape.single === true && typeof value === "string") return [value];
  if (!Array.isArray(value)) throw mismatch(value, `[]${goType(shape.list)}`, place);
  return value.map((item: unknown) => read(shape.list, item, place));
}

function readMap(item: Shape, value: unknown, place: Place): unknown {
  if (value === null) return {};
  if (!isRecord(value)) throw mismatch(value, `map[string]${goType(item)}`, place);
  const result: [string, unknown][] = Object.entries(value).map(([key, element]) => [
    key,
    read(item, element, { ...place, fields: [...place.fields, key] }),
  ]);
  return Object.fromEntries(result);
}

function readFields(
  shape: { readonly fields: Readonly<Record<string, Shape>>; readonly required?: readonly string[] },
  value: unknown,
  place: Place,
): unknown {
  const result: Record<string, unknown> = {};
  if (value !== null && !isRecord(value)) throw mismatch(value, goStruct(place), place);
  for (const [key, element] of Object.entries(value ?? {})) {
    const name = fieldNamed(shape.fields, key);
    const field = name === undefined ? undefined : shape.fields[name];
    if (name === undefined || field === undefined || element === null) continue;
    result[name] = read(field, element, { struct: place.struct, fields: [...place.fields, name] });
  }
  for (const name of shape.required ?? []) {
    const field = shape.fields[name];
    if (!(name in result) && field !== undefined) result[name] = read(field, null, place);
  }
  return result;
}

function fieldNamed(fields: Readonly<Record<string, Shape>>, key: string): string | undefined {
  if (Object.hasOwn(fields, key)) return key;
  const folded = key.toLowerCase();
  return Object.keys(fields).find((name) => name.toLowerCase() === folded);
}

function readScalar(type: Scalar, value: unknown, place: Place): unknown {
  switch (type) {
    case "any":
      return value;
    case "struct":
      if (isRecord(value)) return value;
      throw mismatch(value, "struct {}", place);
    case "string":
      if (typeof value === "string") return value;
      throw mismatch(value, "string", place);
    case "bool":
      if (typeof value === "boolean") return value;
      throw mismatch(value, "bool", place);
    case "float64":
      if (typeof value === "number") return value;
      throw mismatch(value, "float64", place);
    default:
      return readInteger(type, value, place);
  }
}

const limits: Readonly<Record<IntegerType, readonly [number, number]>> = {
  int: [-(2 ** 63), 2 ** 63],
  int64: [-(2 ** 63), 2 ** 63],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64],
};

function readInteger(type: IntegerType, value: unknown, place: Place): number {
  if (typeof value !== "number") throw mismatch(value, type, place);
  const [low, high] = limits[type];
  if (!Number.isInteger(value) || value < low || value > high)
    throw mismatch(value, type, place, `number ${value}`);
  return value;
}

const zeroOf = (type: Scalar): unknown => {
  if (type === "string") return "";
  if (type === "bool") return false;
  if (type === "any") return null;
  return type === "struct" ? {} : 0;
};

function goType(shape: Shape): string {
  if (typeof shape === "string") return shape === "struct" ? "struct {}" : shape;
  if ("ref" in shape) return goNames[shape.ref] ?? shape.ref;
  if ("list" in shape) return `[]${goType(shape.list)}`;
  return "map" in shape ? `map[string]${goType(shape.map)}` : "struct";
}

const goStruct = (place: Place): string => (place.struct === "" ? "struct" : place.struct);

function mismatch(value: unknown, type: string, place: Place, given = kindOf(value)): Error {
  const where =
    place.fields.length === 0 ? "Go value" : `Go struct field ${place.struct}.${place.fields.join(".")}`;
  return invalid(`invalid JSON: json: cannot unmarshal ${given} into ${where} of type ${type}`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

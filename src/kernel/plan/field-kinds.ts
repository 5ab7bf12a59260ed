// How the values of operations and messages are laid out on the wire. native/PROTOCOL.md draws each kind.

import type { Attributes, FileTimes, OpBody } from "./ops.ts";

export type NumberKind = "u32" | "i32" | "u64" | "slot" | "optSlot";
export type FieldKind =
  | NumberKind
  | "bool"
  | "i64"
  | "str"
  | "optStr"
  | "bytes"
  | "strs"
  | "numbers"
  | "blobs"
  | "times"
  | "attributes";

/** The kinds that can carry a value of type T. */
type KindFor<T> = T extends boolean
  ? "bool"
  : T extends number
    ? NumberKind
    : T extends bigint
      ? "u64" | "i64"
      : T extends string
        ? "str" | "optStr"
        : T extends Uint8Array
          ? "bytes"
          : T extends readonly string[]
            ? "strs"
            : T extends readonly number[]
              ? "numbers"
              : T extends readonly Uint8Array[]
                ? "blobs"
                : T extends Attributes
                  ? "attributes"
                  : T extends FileTimes
                    ? "times"
                    : never;

export type FieldOf<Body> = {
  readonly [P in Exclude<keyof Body, "op">]-?: readonly [P, KindFor<NonNullable<Body[P]>>];
}[Exclude<keyof Body, "op">];

export type OpName = OpBody["op"];
export type BodyOf<K extends OpName> = Extract<OpBody, { readonly op: K }>;
export type Field = readonly [name: string, kind: FieldKind];

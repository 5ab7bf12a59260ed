// Our values to protobuf's well-known ones and back.

import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { AnyValue } from "./containers/containers.ts";
import { invalidArgument } from "./failures.ts";

/** containerd's type URLs are bare message names. */
export const packMessage = <D extends DescMessage>(schema: D, init: MessageInitShape<D>): AnyValue => ({
  typeUrl: schema.typeName,
  value: toBinary(schema, create(schema, init)),
});

/** `typeUrl` with or without a host before it names this message. */
export const isMessage = (any: AnyValue, schema: DescMessage): boolean =>
  any.typeUrl === schema.typeName || any.typeUrl.endsWith(`/${schema.typeName}`);

export const fromAny = ({ typeUrl, value }: Any): AnyValue => ({ typeUrl, value });

/** Milliseconds with a fraction keep their microseconds. */
export const toTimestamp = (milliseconds: number): Timestamp => {
  const seconds = Math.floor(milliseconds / 1000);
  return create(TimestampSchema, {
    seconds: BigInt(seconds),
    nanos: Math.floor((milliseconds - seconds * 1000) * 1000) * 1000,
  });
};
export const fromTimestamp = (timestamp: Timestamp | undefined): number =>
  timestamp === undefined ? 0 : Number(timestamp.seconds) * 1000 + timestamp.nanos / 1_000_000;
export const dateOf = (timestamp: Timestamp | undefined): Date => new Date(fromTimestamp(timestamp));
export const toDate = (date: Date): Timestamp => toTimestamp(date.getTime());

/** A field mask's paths; none is all. */
export const pathsOf = (mask: { readonly paths: readonly string[] } | undefined): readonly string[] =>
  mask?.paths ?? [];

/** A message inside a message that a client left out. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw invalidArgument(`${name} is missing`);
  return value;
}

// Lets filters look into event messages: event.container_id==x.

import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { file_events } from "#proto/gen/events_pb.ts";
import { file_images } from "#proto/gen/images_pb.ts";
import type { FieldReader } from "../filters.ts";
import { isMessage } from "../protobuf.ts";
import type { Envelope } from "./events.ts";

const messages: readonly DescMessage[] = [...file_events.messages, ...file_images.messages];

export const envelopeReader =
  (envelope: Envelope): FieldReader =>
  ([first, name, key]) => {
    if (first === "topic") return envelope.topic;
    if (first === "namespace") return envelope.namespace;
    return first === "event" && name !== undefined ? readField(envelope, name, key) : undefined;
  };

function readField({ event }: Envelope, name: string, key: string | undefined): string | undefined {
  const schema = messages.find((message) => isMessage(event, message));
  const field = schema?.fields.find((candidate) => candidate.name === name);
  if (schema === undefined || field === undefined) return undefined;
  const message = reflect(schema, fromBinary(schema, event.value));
  const value: unknown = message.get(field);
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "number") return String(value);
  if (field.fieldKind !== "map" || key === undefined) return undefined;
  const found: unknown = message.get(field).get(key);
  return typeof found === "string" ? found : undefined;
}

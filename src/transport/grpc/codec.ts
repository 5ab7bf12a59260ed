// Messages <-> bytes, as @grpc/grpc-js wants them: per method, types erased.

import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { claimed } from "#base/decode.ts";

const serialize =
  (schema: DescMessage) =>
  (message: unknown): Buffer => {
    const bytes = toBinary(schema, create(schema, claimed(message)));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };

/** Byte fields of a message are views of the received buffer, which nobody else holds. */
const deserialize =
  (schema: DescMessage) =>
  (bytes: Buffer): unknown =>
    fromBinary(schema, bytes);

const isClientStream = ({ methodKind }: DescMethod): boolean =>
  methodKind === "client_streaming" || methodKind === "bidi_streaming";
const isServerStream = ({ methodKind }: DescMethod): boolean =>
  methodKind === "server_streaming" || methodKind === "bidi_streaming";

export const methodDefinition = (method: DescMethod): MethodDefinition<unknown, unknown> => ({
  path: `/${method.parent.typeName}/${method.name}`,
  requestStream: isClientStream(method),
  responseStream: isServerStream(method),
  requestSerialize: serialize(method.input),
  requestDeserialize: deserialize(method.input),
  responseSerialize: serialize(method.output),
  responseDeserialize: deserialize(method.output),
});

export const serviceDefinition = (service: Pick<DescService, "methods">): ServiceDefinition =>
  Object.fromEntries(service.methods.map((method) => [method.localName, methodDefinition(method)]));

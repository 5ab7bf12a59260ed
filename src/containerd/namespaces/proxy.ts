import { Namespaces as NamespacesService } from "#proto/gen/namespaces_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { required } from "../protobuf.ts";
import type { NamespaceRecord, Namespaces } from "./namespaces.ts";

const options = { metadata: {} };

export function createNamespacesProxy(client: GrpcClient): Namespaces {
  const namespaces = client.service(NamespacesService);
  return {
    get: async (name) => decode((await namespaces.get({ name }, options)).namespace),
    list: async () => (await namespaces.list({}, options)).namespaces.map(decode),
    create: async (name, labels) => {
      const request = { namespace: { name, labels: { ...labels } } };
      return decode((await namespaces.create(request, options)).namespace);
    },
    update: async (name, labels, fields) => {
      const request = { namespace: { name, labels: { ...labels } }, updateMask: { paths: [...fields] } };
      return decode((await namespaces.update(request, options)).namespace);
    },
    delete: async (name) => void (await namespaces.delete({ name }, options)),
  };
}

function decode(message: NamespaceRecord | undefined): NamespaceRecord {
  const { name, labels } = required(message, "namespace");
  return { name, labels };
}

import { Containers } from "#proto/gen/containers_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { inScope } from "../scope-metadata.ts";
import type { ContainerRecords } from "./containers.ts";
import { decodeContainer, encodeContainer } from "./messages.ts";

export function createContainersProxy(client: GrpcClient): ContainerRecords {
  const containers = client.service(Containers);
  return {
    get: async (scope, id) => decodeContainer((await containers.get({ id }, inScope(scope))).container),
    list: async (scope, filters) =>
      (await containers.list({ filters: [...filters] }, inScope(scope))).containers.map(decodeContainer),
    create: async (scope, container) => {
      const request = { container: encodeContainer(container) };
      return decodeContainer((await containers.create(request, inScope(scope))).container);
    },
    update: async (scope, container, fields) => {
      const request = { container: encodeContainer(container), updateMask: { paths: [...fields] } };
      return decodeContainer((await containers.update(request, inScope(scope))).container);
    },
    delete: async (scope, id) => void (await containers.delete({ id }, inScope(scope))),
  };
}

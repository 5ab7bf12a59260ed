import { type Lease as LeaseMessage, Leases } from "#proto/gen/leases_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { dateOf, required } from "../protobuf.ts";
import { inScope } from "../scope-metadata.ts";
import type { Lease, LeaseService } from "./leases.ts";

export function createLeasesProxy(client: GrpcClient): LeaseService {
  const leases = client.service(Leases);
  return {
    create: async (scope, id, labels) => {
      const { lease } = await leases.create({ id, labels: { ...labels } }, inScope(scope));
      return decode(required(lease, "lease"));
    },
    delete: async (scope, id, sync) => void (await leases.delete({ id, sync }, inScope(scope))),
    list: async (scope, filters) =>
      (await leases.list({ filters: [...filters] }, inScope(scope))).leases.map(decode),
    addResource: async (scope, id, resource) =>
      void (await leases.addResource({ id, resource }, inScope(scope))),
    deleteResource: async (scope, id, resource) =>
      void (await leases.deleteResource({ id, resource }, inScope(scope))),
    listResources: async (scope, id) =>
      (await leases.listResources({ id }, inScope(scope))).resources.map((resource) => ({
        id: resource.id,
        type: resource.type,
      })),
  };
}

const decode = ({ id, labels, createdAt }: LeaseMessage): Lease => ({
  id,
  labels,
  createdAt: dateOf(createdAt),
});

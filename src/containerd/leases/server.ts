import { randomBytes } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type LeaseSchema, Leases } from "#proto/gen/leases_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { required, toDate } from "../protobuf.ts";
import { scopeOf } from "../scope-metadata.ts";
import type { Lease, LeaseService } from "./leases.ts";

export const serveLeases = (leases: LeaseService): ServedService =>
  serve(Leases, {
    create: async ({ id, labels }, call) => ({
      lease: toMessage(await leases.create(scopeOf(call), id === "" ? randomId() : id, labels)),
    }),
    delete: async ({ id, sync }, call) => {
      await leases.delete(scopeOf(call), id, sync);
      return {};
    },
    list: async ({ filters }, call) => ({
      leases: (await leases.list(scopeOf(call), filters)).map(toMessage),
    }),
    addResource: async ({ id, resource }, call) => {
      await leases.addResource(scopeOf(call), id, required(resource, "resource"));
      return {};
    },
    deleteResource: async ({ id, resource }, call) => {
      await leases.deleteResource(scopeOf(call), id, required(resource, "resource"));
      return {};
    },
    listResources: async ({ id }, call) => ({
      resources: (await leases.listResources(scopeOf(call), id)).map((resource) => ({ ...resource })),
    }),
  });

const randomId = (): string => randomBytes(16).toString("hex");

const toMessage = ({ id, labels, createdAt }: Lease): MessageInitShape<typeof LeaseSchema> => ({
  id,
  labels: { ...labels },
  createdAt: toDate(createdAt),
});

import { Containers } from "#proto/gen/containers_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { pathsOf, toDate } from "../protobuf.ts";
import { scopeOf } from "../scope-metadata.ts";
import type { ContainerRecord, ContainerRecords } from "./containers.ts";
import { decodeContainer, encodeContainer } from "./messages.ts";

export const serveContainers = (containers: ContainerRecords): ServedService =>
  serve(Containers, {
    get: async ({ id }, call) => ({ container: toMessage(await containers.get(scopeOf(call), id)) }),
    list: async ({ filters }, call) => ({
      containers: (await containers.list(scopeOf(call), filters)).map(toMessage),
    }),
    listStream: async function* ({ filters }, call) {
      for (const container of await containers.list(scopeOf(call), filters))
        yield { container: toMessage(container) };
    },
    create: async ({ container }, call) => ({
      container: toMessage(await containers.create(scopeOf(call), decodeContainer(container))),
    }),
    update: async ({ container, updateMask }, call) => {
      const wanted = decodeContainer(container);
      return { container: toMessage(await containers.update(scopeOf(call), wanted, pathsOf(updateMask))) };
    },
    delete: async ({ id }, call) => {
      await containers.delete(scopeOf(call), id);
      return {};
    },
  });

const toMessage = (container: ContainerRecord) => ({
  ...encodeContainer(container),
  createdAt: toDate(container.createdAt),
  updatedAt: toDate(container.updatedAt),
});

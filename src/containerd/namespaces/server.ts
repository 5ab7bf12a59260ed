import { Namespaces as NamespacesService } from "#proto/gen/namespaces_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { pathsOf, required } from "../protobuf.ts";
import type { NamespaceRecord, Namespaces } from "./namespaces.ts";

export const serveNamespaces = (namespaces: Namespaces): ServedService =>
  serve(NamespacesService, {
    get: async ({ name }) => ({ namespace: toMessage(await namespaces.get(name)) }),
    list: async () => ({ namespaces: (await namespaces.list()).map(toMessage) }),
    create: async ({ namespace }) => {
      const { name, labels } = required(namespace, "namespace");
      return { namespace: toMessage(await namespaces.create(name, labels)) };
    },
    update: async ({ namespace, updateMask }) => {
      const { name, labels } = required(namespace, "namespace");
      return { namespace: toMessage(await namespaces.update(name, labels, pathsOf(updateMask))) };
    },
    delete: async ({ name }) => {
      await namespaces.delete(name);
      return {};
    },
  });

const toMessage = ({ name, labels }: NamespaceRecord) => ({ name, labels: { ...labels } });

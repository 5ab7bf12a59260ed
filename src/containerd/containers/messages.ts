// Container records as containerd.services.containers.v1 messages.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Container, ContainerSchema } from "#proto/gen/containers_pb.ts";
import { dateOf, fromAny, required } from "../protobuf.ts";
import type { ContainerCreate, ContainerRecord } from "./containers.ts";

export const encodeContainer = (container: ContainerCreate): MessageInitShape<typeof ContainerSchema> => ({
  id: container.id,
  labels: { ...container.labels },
  image: container.image,
  runtime: { ...container.runtime },
  ...(container.spec === undefined ? {} : { spec: container.spec }),
  snapshotter: container.snapshotter,
  snapshotKey: container.snapshotKey,
  extensions: { ...container.extensions },
});

export function decodeContainer(message: Container | undefined): ContainerRecord {
  const container = required(message, "container");
  const { spec } = container;
  const options = container.runtime?.options;
  return {
    id: container.id,
    labels: container.labels,
    image: container.image,
    runtime: {
      name: container.runtime?.name ?? "",
      ...(options === undefined ? {} : { options: fromAny(options) }),
    },
    ...(spec === undefined ? {} : { spec: fromAny(spec) }),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    extensions: Object.fromEntries(
      Object.entries(container.extensions).map(([name, any]) => [name, fromAny(any)]),
    ),
    createdAt: dateOf(container.createdAt),
    updatedAt: dateOf(container.updatedAt),
  };
}

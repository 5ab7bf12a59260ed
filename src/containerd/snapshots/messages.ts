// Snapshots as containerd.services.snapshots.v1 messages.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Info, type InfoSchema, Kind } from "#proto/gen/snapshots_pb.ts";
import { dateOf, required, toDate } from "../protobuf.ts";
import type { SnapshotInfo } from "./snapshotter.ts";

const kindOf: Readonly<Record<SnapshotInfo["kind"], Kind>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

export const encodeSnapshot = (info: SnapshotInfo): MessageInitShape<typeof InfoSchema> => ({
  name: info.name,
  parent: info.parent,
  kind: kindOf[info.kind],
  labels: { ...info.labels },
  createdAt: toDate(info.createdAt),
  updatedAt: toDate(info.updatedAt),
});

export function decodeSnapshot(message: Info | undefined): SnapshotInfo {
  const { name, parent, kind, labels, createdAt, updatedAt } = required(message, "snapshot");
  return {
    name,
    parent,
    kind: kind === Kind.VIEW ? "view" : kind === Kind.ACTIVE ? "active" : "committed",
    labels,
    createdAt: dateOf(createdAt),
    updatedAt: dateOf(updatedAt),
  };
}

import { Snapshots } from "#proto/gen/snapshots_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { inScope } from "../scope-metadata.ts";
import { fromMounts } from "../wire-values.ts";
import { decodeSnapshot } from "./messages.ts";
import type { Snapshotter } from "./snapshotter.ts";
import type { SnapshotterName } from "./snapshotter-name.ts";

export function createSnapshotsProxy(client: GrpcClient, snapshotter: SnapshotterName): Snapshotter {
  const snapshots = client.service(Snapshots);
  return {
    name: snapshotter,
    stat: async (scope, key) =>
      decodeSnapshot((await snapshots.stat({ snapshotter, key }, inScope(scope))).info),
    update: async (scope, name, labels, fields) => {
      const info = { name, labels: { ...labels } };
      const request = {
        snapshotter,
        info,
        updateMask: { paths: fields.length === 0 ? ["labels"] : [...fields] },
      };
      return decodeSnapshot((await snapshots.update(request, inScope(scope))).info);
    },
    usage: async (scope, key) => {
      const { size, inodes } = await snapshots.usage({ snapshotter, key }, inScope(scope));
      return { size: Number(size), inodes: Number(inodes) };
    },
    mounts: async (scope, key) =>
      fromMounts((await snapshots.mounts({ snapshotter, key }, inScope(scope))).mounts),
    prepare: async (scope, key, parent, labels) => {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      return fromMounts((await snapshots.prepare(request, inScope(scope))).mounts);
    },
    view: async (scope, key, parent, labels) => {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      return fromMounts((await snapshots.view(request, inScope(scope))).mounts);
    },
    commit: async (scope, name, key, labels) => {
      await snapshots.commit({ snapshotter, name, key, labels: { ...labels } }, inScope(scope));
    },
    remove: async (scope, key) => void (await snapshots.remove({ snapshotter, key }, inScope(scope))),
    list: async function* (scope, filters) {
      const request = { snapshotter, filters: [...filters] };
      for await (const { info } of snapshots.list(request, inScope(scope))) yield* info.map(decodeSnapshot);
    },
  };
}

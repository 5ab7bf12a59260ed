import { Snapshots } from "#proto/gen/snapshots_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import type { GrpcCall } from "#transport/grpc/service-types.ts";
import { invalidArgument } from "../failures.ts";
import { pathsOf, required } from "../protobuf.ts";
import type { Scope } from "../scope.ts";
import { scopeOf } from "../scope-metadata.ts";
import { toMounts } from "../wire-values.ts";
import { encodeSnapshot } from "./messages.ts";
import type { SnapshotInfo, Snapshotter } from "./snapshotter.ts";

/** Snapshots told in one message of a listing. */
const batchSize = 100;

export function serveSnapshots(snapshots: Snapshotter): ServedService {
  const enter = ({ snapshotter }: { readonly snapshotter: string }, call: GrpcCall): Scope => {
    if (snapshotter !== snapshots.name) throw invalidArgument(`snapshotter not loaded: ${snapshotter}`);
    return scopeOf(call);
  };
  return serve(Snapshots, {
    prepare: async (request, call) => {
      const { key, parent, labels } = request;
      return { mounts: toMounts(await snapshots.prepare(enter(request, call), key, parent, labels)) };
    },
    view: async (request, call) => {
      const { key, parent, labels } = request;
      return { mounts: toMounts(await snapshots.view(enter(request, call), key, parent, labels)) };
    },
    mounts: async (request, call) => ({
      mounts: toMounts(await snapshots.mounts(enter(request, call), request.key)),
    }),
    commit: async (request, call) => {
      await snapshots.commit(enter(request, call), request.name, request.key, request.labels);
      return {};
    },
    remove: async (request, call) => {
      await snapshots.remove(enter(request, call), request.key);
      return {};
    },
    stat: async (request, call) => ({
      info: encodeSnapshot(await snapshots.stat(enter(request, call), request.key)),
    }),
    update: async (request, call) => {
      const scope = enter(request, call);
      const { name, labels } = required(request.info, "info");
      const updated = await snapshots.update(scope, name, labels, pathsOf(request.updateMask));
      return { info: encodeSnapshot(updated) };
    },
    list: async function* (request, call) {
      for await (const batch of inBatches(snapshots.list(enter(request, call), request.filters)))
        yield { info: batch.map(encodeSnapshot) };
    },
    usage: async (request, call) => {
      const { size, inodes } = await snapshots.usage(enter(request, call), request.key);
      return { size: BigInt(size), inodes: BigInt(inodes) };
    },
    cleanup: async (request, call) => {
      enter(request, call);
      return {};
    },
  });
}

async function* inBatches(infos: AsyncIterable<SnapshotInfo>): AsyncGenerator<readonly SnapshotInfo[]> {
  let batch: SnapshotInfo[] = [];
  for await (const info of infos) {
    batch.push(info);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

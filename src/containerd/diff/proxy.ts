import { Diff } from "#proto/gen/diff_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { inScope } from "../scope-metadata.ts";
import { fromDescriptor, toDescriptor, toMounts } from "../wire-values.ts";
import type { DiffService } from "./diff.ts";

export function createDiffProxy(client: GrpcClient): DiffService {
  const diff = client.service(Diff);
  return {
    apply: async (scope, layer, mounts, { signal }) => {
      const request = { diff: toDescriptor(layer), mounts: toMounts(mounts) };
      return fromDescriptor((await diff.apply(request, inScope(scope, signal))).applied);
    },
    compare: async (scope, left, right, { mediaType, ref, labels, signal }) => {
      const request = { left: toMounts(left), right: toMounts(right), mediaType, ref, labels: { ...labels } };
      return fromDescriptor((await diff.diff(request, inScope(scope, signal))).diff);
    },
  };
}

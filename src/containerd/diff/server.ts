import { Diff } from "#proto/gen/diff_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { scopeOf } from "../scope-metadata.ts";
import { fromDescriptor, fromMounts, toDescriptor } from "../wire-values.ts";
import type { DiffService } from "./diff.ts";

export const serveDiff = (diff: DiffService): ServedService =>
  serve(Diff, {
    apply: async (request, call) => {
      const layer = fromDescriptor(request.diff);
      const { signal } = call;
      return {
        applied: toDescriptor(await diff.apply(scopeOf(call), layer, fromMounts(request.mounts), { signal })),
      };
    },
    diff: async (request, call) => {
      const { mediaType, ref, labels } = request;
      const [left, right] = [fromMounts(request.left), fromMounts(request.right)];
      const options = { mediaType, ref, labels, signal: call.signal };
      return { diff: toDescriptor(await diff.compare(scopeOf(call), left, right, options)) };
    },
  });

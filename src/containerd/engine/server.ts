// gantry.v1.Engine: what our own daemon asks beyond containerd's services.

import { Engine } from "#proto/gen/gantry_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { invalidArgument } from "../failures.ts";
import { scopeOf } from "../scope-metadata.ts";
import type { AttachSockets } from "../tasks/attach-sockets.ts";
import { readSpec, specType } from "../tasks/spec-document.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { fromMounts } from "../wire-values.ts";

export const serveEngine = (tasks: Tasks, sockets: AttachSockets): ServedService =>
  serve(Engine, {
    attach: async ({ containerId, execId, stdin, stdout, stderr }, call) => {
      const options = { stdin, stdout, stderr };
      const stream = await tasks.attach(scopeOf(call), { containerId, execId }, options, call.signal);
      return { path: await sockets.offer(stream) };
    },
    explain: async ({ containerId, rootfs, terminal, stdin, stdout, stderr, spec }, call) => {
      const given = spec.length === 0 ? {} : { spec: readSpec({ typeUrl: specType, value: spec }) };
      const io = { terminal, stdin, stdout, stderr };
      const task = { containerId, rootfs: fromMounts(rootfs), io, ...given };
      return {
        operations: (await tasks.explain(scopeOf(call), task)).map((operation) => ({ ...operation })),
      };
    },
    metrics: async ({ containerId }, call) => {
      if (containerId === "") throw invalidArgument("container id must not be empty");
      const document = await tasks.metrics(scopeOf(call), containerId);
      return { document: Buffer.from(JSON.stringify(document)) };
    },
  });

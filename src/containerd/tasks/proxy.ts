import { Engine } from "#proto/gen/gantry_pb.ts";
import { Tasks as TasksService } from "#proto/gen/tasks_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { notImplemented } from "../failures.ts";
import { fromTimestamp } from "../protobuf.ts";
import { inScope } from "../scope-metadata.ts";
import { toMounts } from "../wire-values.ts";
import { connectAttachSocket } from "./attach-sockets.ts";
import { encodeCheckpoint, encodeRestore } from "./checkpoint-codec.ts";
import { decodeProcess } from "./messages.ts";
import { packDocument, processType, resourcesType, specType } from "./spec-document.ts";
import type { Tasks } from "./tasks.ts";
import { decodeUsage } from "./usage.ts";

export function createTasksProxy(client: GrpcClient): Tasks {
  const tasks = client.service(TasksService);
  return {
    create: async (scope, { containerId, rootfs, io, spec, checkpoint }, signal) => {
      const options = spec === undefined ? {} : { options: packDocument(specType, spec) };
      const from = checkpoint === undefined ? {} : { checkpoint: encodeRestore(checkpoint) };
      const request = { containerId, rootfs: toMounts(rootfs), ...io, ...options, ...from };
      const { pid } = await tasks.create(request, inScope(scope, signal));
      return { pid };
    },
    start: async (scope, containerId, execId, signal) => {
      const { pid } = await tasks.start({ containerId, execId }, inScope(scope, signal));
      return { pid };
    },
    get: async (scope, containerId, execId) =>
      decodeProcess((await tasks.get({ containerId, execId }, inScope(scope))).process, containerId),
    list: async (scope) =>
      (await tasks.list({}, inScope(scope))).tasks.map((process) => decodeProcess(process, process.id)),
    exec: async (scope, { containerId, execId, process, io }, signal) => {
      const request = { containerId, execId, spec: packDocument(processType, process), ...io };
      await tasks.exec(request, inScope(scope, signal));
    },
    kill: async (scope, process, signal, all) =>
      void (await tasks.kill({ ...process, signal, all }, inScope(scope))),
    wait: async (scope, containerId, execId, signal) => {
      const exit = await tasks.wait({ containerId, execId }, { ...inScope(scope, signal), lasting: true });
      return { exitCode: exit.exitStatus, exitedAt: fromTimestamp(exit.exitedAt) };
    },
    delete: async (scope, containerId, execId) => {
      const { exitStatus, exitedAt } = await (execId === ""
        ? tasks.delete({ containerId }, inScope(scope))
        : tasks.deleteProcess({ containerId, execId }, inScope(scope)));
      return { exitCode: exitStatus, exitedAt: fromTimestamp(exitedAt) };
    },
    resizePty: async (scope, process, { rows, cols }) =>
      void (await tasks.resizePty({ ...process, width: cols, height: rows }, inScope(scope))),
    closeStdin: async (scope, containerId, execId) =>
      void (await tasks.closeIO({ containerId, execId, stdin: true }, inScope(scope))),
    pids: async (scope, containerId) =>
      (await tasks.listPids({ containerId }, inScope(scope))).processes.map(({ pid }) => pid),
    pause: async (scope, containerId) => void (await tasks.pause({ containerId }, inScope(scope))),
    resume: async (scope, containerId) => void (await tasks.resume({ containerId }, inScope(scope))),
    update: async (scope, containerId, resources) => {
      const request = { containerId, resources: packDocument(resourcesType, resources) };
      await tasks.update(request, inScope(scope));
    },
    checkpoint: async (scope, containerId, wanted, signal) =>
      void (await tasks.checkpoint(
        { containerId, options: encodeCheckpoint(wanted) },
        inScope(scope, signal),
      )),
    ...createEngineProxy(client),
  };
}

function createEngineProxy(client: GrpcClient): Pick<Tasks, "attach" | "explain" | "metrics"> {
  const engine = client.service(Engine);
  return {
    metrics: async (scope, containerId) => {
      const { document } = await engine.metrics({ containerId }, inScope(scope));
      return decodeUsage(JSON.parse(Buffer.from(document).toString("utf8")), "usage");
    },
    attach: async (scope, process, options, signal) => {
      const { path } = await engine.attach({ ...process, ...options }, inScope(scope, signal));
      return connectAttachSocket(path, signal);
    },
    explain: async (scope, { containerId, rootfs, io, spec, runtime }) => {
      if (runtime !== undefined)
        throw notImplemented(`explaining runtime ${runtime} through containerd's API`);
      const document = spec === undefined ? {} : { spec: Buffer.from(JSON.stringify(spec)) };
      const request = { containerId, rootfs: toMounts(rootfs), ...io, ...document };
      return (await engine.explain(request, inScope(scope))).operations.map(({ index, host, why, call }) => ({
        index,
        host,
        why,
        call,
      }));
    },
  };
}

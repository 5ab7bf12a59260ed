import { isKind } from "#base/errors.ts";
import { type CreateTaskRequest, Tasks as TasksService } from "#proto/gen/tasks_pb.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import type { GrpcCall } from "#transport/grpc/service-types.ts";
import type { ContainerRecords } from "../containers/containers.ts";
import { fromAny, required, toTimestamp } from "../protobuf.ts";
import { scopeOf } from "../scope-metadata.ts";
import { fromMounts } from "../wire-values.ts";
import { decodeCheckpoint, decodeRestore } from "./checkpoint-codec.ts";
import { encodeProcess } from "./messages.ts";
import { listMetrics } from "./metrics.ts";
import { toldByRuntime } from "./runtime-failure.ts";
import { readRuntime } from "./runtime-options.ts";
import { readProcess, readResources, readSpec, specType } from "./spec-document.ts";
import type { TaskCreate, TaskExit, TaskProcess, Tasks } from "./tasks.ts";

interface TaskServerDeps {
  readonly tasks: Tasks;
  readonly containers: ContainerRecords;
}

export function serveTasks(deps: TaskServerDeps): ServedService {
  const { tasks } = deps;
  const remove = async (containerId: string, execId: string, call: GrpcCall) => {
    const scope = scopeOf(call);
    const process = await tasks.get(scope, containerId, execId);
    return encodeDeleted(process, await tasks.delete(scope, containerId, execId));
  };
  return serve(TasksService, {
    create: async (request, call) => {
      const { containerId } = request;
      const wanted = await readCreate(deps, request, call);
      const failing = { execId: "", findMounts: () => mountsOf(deps, containerId, call) };
      const { pid } = await toldByRuntime(failing, () => tasks.create(scopeOf(call), wanted, call.signal));
      // A daemon that was killed meanwhile does not know of it, and its next start may have looked already.
      if (call.signal.aborted) await tasks.delete(scopeOf(call), containerId, "");
      return { containerId, pid };
    },
    start: ({ containerId, execId }, call) =>
      toldByRuntime({ execId, findMounts: () => mountsOf(deps, containerId, call) }, () =>
        tasks.start(scopeOf(call), containerId, execId, call.signal),
      ),
    delete: ({ containerId }, call) => remove(containerId, "", call),
    deleteProcess: ({ containerId, execId }, call) => remove(containerId, execId, call),
    get: async ({ containerId, execId }, call) => ({
      process: encodeProcess(await tasks.get(scopeOf(call), containerId, execId)),
    }),
    list: async (_request, call) => ({ tasks: (await tasks.list(scopeOf(call))).map(encodeProcess) }),
    kill: async ({ containerId, execId, signal, all }, call) => {
      await tasks.kill(scopeOf(call), { containerId, execId }, signal, all);
      return {};
    },
    exec: async ({ containerId, execId, spec, terminal, stdin, stdout, stderr }, call) => {
      const process = readProcess(fromAny(required(spec, "spec")));
      const io = { terminal, stdin, stdout, stderr };
      await tasks.exec(scopeOf(call), { containerId, execId, process, io }, call.signal);
      return {};
    },
    resizePty: async ({ containerId, execId, width, height }, call) => {
      const size = { rows: height, cols: width };
      await tasks.resizePty(scopeOf(call), { containerId, execId }, size);
      return {};
    },
    closeIO: async ({ containerId, execId, stdin }, call) => {
      if (stdin) await tasks.closeStdin(scopeOf(call), containerId, execId);
      return {};
    },
    pause: async ({ containerId }, call) => {
      await tasks.pause(scopeOf(call), containerId);
      return {};
    },
    resume: async ({ containerId }, call) => {
      await tasks.resume(scopeOf(call), containerId);
      return {};
    },
    checkpoint: async (request, call) => {
      const scope = scopeOf(call);
      await tasks.checkpoint(scope, request.containerId, decodeCheckpoint(request), call.signal);
      return { descriptors: [] };
    },
    listPids: async ({ containerId }, call) => ({
      processes: (await tasks.pids(scopeOf(call), containerId)).map((pid) => ({ pid })),
    }),
    update: async ({ containerId, resources }, call) => {
      const wanted = readResources(fromAny(required(resources, "resources")));
      await tasks.update(scopeOf(call), containerId, wanted);
      return {};
    },
    metrics: async ({ filters }, call) => ({ metrics: await listMetrics(tasks, scopeOf(call), filters) }),
    wait: async ({ containerId, execId }, call) => {
      const exit = await tasks.wait(scopeOf(call), containerId, execId, call.signal);
      return { exitStatus: exit.exitCode, exitedAt: toTimestamp(exit.exitedAt) };
    },
  });
}

async function readCreate(
  { containers }: TaskServerDeps,
  request: CreateTaskRequest,
  call: GrpcCall,
): Promise<TaskCreate> {
  const { containerId, terminal, stdin, stdout, stderr } = request;
  const given = request.options === undefined ? undefined : fromAny(request.options);
  const record = await containers.get(scopeOf(call), containerId).catch((error: unknown) => {
    if (given?.typeUrl !== specType || !isKind(error, "notFound")) throw error; // a task may be made of its spec alone
    return undefined;
  });
  const checkpoint = decodeRestore(request.checkpoint, given);
  return {
    containerId,
    rootfs: fromMounts(request.rootfs),
    io: { terminal, stdin, stdout, stderr },
    ...readRuntime(record?.runtime.name ?? "", given ?? record?.runtime.options),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

/** Of the container's specification, if it has one. */
async function mountsOf(
  { containers }: TaskServerDeps,
  id: string,
  call: GrpcCall,
): Promise<readonly Mount[]> {
  const { spec } = await containers.get(scopeOf(call), id);
  return (spec === undefined ? undefined : readSpec(spec).mounts) ?? [];
}

const encodeDeleted = (process: TaskProcess, exit: TaskExit) => ({
  id: process.execId === "" ? process.containerId : process.execId,
  pid: process.pid,
  exitStatus: exit.exitCode,
  exitedAt: toTimestamp(exit.exitedAt),
});

// POST /exec/{id}/start: runs it, detached or joined with the client's connection.

import { posix } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Background } from "#base/background.ts";
import { boolean, DecodeError, integer, array as list, object } from "#base/decode.ts";
import { conflict, EngineError, invalid } from "#base/errors.ts";
import type { Snapshotter } from "#containerd/snapshots/snapshotter.ts";
import type { TaskIo, Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { encodeFrame } from "#formats/log-frames.ts";
import { bridge } from "../containers/bridge.ts";
import { publishContainerEvent } from "../containers/container-events.ts";
import { parseDetachKeys } from "../containers/detach-keys.ts";
import type { HostFacts } from "../containers/host-facts.ts";
import { linkEnvironment } from "../containers/links.ts";
import { ignoreMissing } from "../containers/release.ts";
import { scope } from "../containers/scope.ts";
import { describeExecFailure, failureError } from "../containers/start-error.ts";
import type { Container, ContainerStore } from "../containers/store.ts";
import { attachIo } from "../containers/task-io.ts";
import { type ContainerUser, resolveUser } from "../containers/user.ts";
import type { UserFileReader } from "../containers/user-files.ts";
import { requireRunning } from "./create.ts";
import { type ConsoleSize, describeCommand, type Exec, type Execs } from "./execs.ts";
import { buildExecProcess } from "./process.ts";

type AttachOptions = Parameters<Tasks["attach"]>[2];

export interface StartExecDeps {
  readonly containers: ContainerStore;
  readonly execs: Execs;
  readonly tasks: Pick<Tasks, "exec" | "start" | "attach" | "wait" | "delete">;
  readonly snapshots: Pick<Snapshotter, "mounts">;
  readonly userFiles: Pick<UserFileReader, "readLive">;
  readonly events: Pick<EventBus, "publish">;
  readonly host: HostFacts;
  readonly background: Background;
  /** The daemon's own: an exec outlives the request that started it. */
  readonly signal: AbortSignal;
}

export interface StartExecRequest {
  readonly detach: boolean;
  /** The terminal's size at the start. */
  readonly consoleSize: ConsoleSize | undefined;
}

/** Docker's exit code of an exec that could not be started, whatever the reason. */
const EXEC_FAILED = 126;
/** How long a client whose exec closed its output waits for the exit code: longer only helps processes that live on. */
const EXIT_PATIENCE_MS = 2000;

const decodeBody = object({}, { Detach: boolean, Tty: boolean, ConsoleSize: list(integer) });

/** The body is optional. */
export function decodeStartRequest(body: unknown, minor: number): StartExecRequest {
  if (body === undefined) return { detach: false, consoleSize: undefined };
  try {
    const { Detach, ConsoleSize } = decodeBody(body, "");
    const [height = 0, width = 0] = minor >= 42 ? (ConsoleSize ?? []) : [];
    return { detach: Detach ?? false, consoleSize: height > 0 && width > 0 ? { height, width } : undefined };
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`invalid JSON: ${error.message}`, { cause: error });
    throw error;
  }
}

/** A started exec whose output waits for the connection. */
export interface AttachedExec {
  readonly tty: boolean;
  serve(socket: Duplex): Promise<void>;
}

/** Marks the exec as used: what can be refused is refused here. */
export function claimExec(deps: StartExecDeps, id: string, request: StartExecRequest): Exec {
  const exec = deps.execs.get(id);
  requireRunning(deps.containers.get(exec.containerId));
  if (exec.running) throw conflict(`exec command ${id} is already running`);
  if (exec.started) throw conflict(`exec command ${id} has already run`);
  exec.started = true;
  exec.consoleSize = request.consoleSize ?? exec.consoleSize;
  return exec;
}

/** Resolves when the process runs; rejects when it could not be started. */
export async function startDetached(deps: StartExecDeps, exec: Exec, signal: AbortSignal): Promise<void> {
  await run(deps, exec, { io: { terminal: exec.config.tty, stdin: "", stdout: "", stderr: "" } }, signal);
}

/** Failures to start are told on the connection, as with Docker. */
export function startAttached(deps: StartExecDeps, exec: Exec): AttachedExec {
  const { tty, stdin, stdout, stderr } = exec.config;
  return {
    tty,
    serve: async (socket) => {
      try {
        const wanted = { io: attachIo(tty, stdin), streams: { stdin, stdout, stderr } };
        const stream = await run(deps, exec, wanted, deps.signal);
        if (stream === undefined) return;
        const detachKeys = tty ? parseDetachKeys(exec.config.detachKeys) : undefined;
        const beforeEnd = () =>
          Promise.race([exec.ended, delay(EXIT_PATIENCE_MS, undefined, { ref: false })]);
        const end = await bridge(socket, stream, { stdin, detachKeys, beforeEnd });
        if (end === "detached") publishExecEvent(deps, exec, "exec_detach");
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        const text = Buffer.from(`${error.message}\r\n`);
        socket.end(tty ? text : encodeFrame(1, text));
      }
    },
  };
}

/** Resolves with the stream to the process if `streams` are wanted. It is asked for beside the start: either may be first. */
async function run(
  deps: StartExecDeps,
  exec: Exec,
  { io, streams }: { readonly io: TaskIo; readonly streams?: AttachOptions },
  signal: AbortSignal,
): Promise<Duplex | undefined> {
  let attached: Promise<Duplex> | undefined;
  const container = deps.containers.get(exec.containerId);
  await using undo = new AsyncDisposableStack();
  try {
    if (exec.config.workingDir !== "" && !posix.isAbsolute(exec.config.workingDir))
      throw invalid("OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown");
    const user = await lookUpUser(deps, container, exec, signal);
    const { config, consoleSize } = exec;
    const links = linkEnvironment(deps.containers, container.record);
    const process = buildExecProcess(container.record, { config, consoleSize, links }, user, deps.host);
    const ids = { containerId: exec.containerId, execId: exec.id };
    await deps.tasks.exec(scope, { ...ids, process, io }, signal);
    // Whatever becomes of that, the client is told why there was no start.
    undo.defer(() => deps.tasks.delete(scope, ids.containerId, ids.execId).then(nothing, nothing));
    publishExecEvent(deps, exec, `exec_start: ${describeCommand(exec.config.command)}`);
    if (streams !== undefined) attached = deps.tasks.attach(scope, ids, streams, signal);
    void attached?.then((stream) => stream.on("error", nothing), nothing); // whoever waits for it below is told
    undo.defer(() => attached?.then((stream) => void stream.destroy(), nothing));
    exec.pid = (await deps.tasks.start(scope, ids.containerId, ids.execId, signal)).pid;
    exec.running = true;
  } catch (error) {
    const failure = describeExecFailure(error, exec.config.command[0]);
    exec.end(EXEC_FAILED);
    throw failureError(failure, error);
  }
  undo.move();
  deps.background.run(() => recordExit(deps, exec));
  return await attached;
}

const nothing = (): void => undefined;

/** The container's own user was looked up when it started. */
async function lookUpUser(
  deps: StartExecDeps,
  container: Container,
  exec: Exec,
  signal: AbortSignal,
): Promise<ContainerUser> {
  const { config, hostConfig } = container.record;
  if (exec.config.user === "" && container.user !== undefined) return container.user;
  const files = await deps.userFiles.readLive(container.state.pid, signal);
  return resolveUser(exec.config.user || config.User, hostConfig.GroupAdd ?? [], files);
}

async function recordExit(deps: StartExecDeps, exec: Exec): Promise<void> {
  const { containerId, id } = exec;
  let exitCode = 255; // the container is gone before it could be asked
  try {
    ({ exitCode } = await deps.tasks.wait(scope, containerId, id, deps.signal));
  } catch (error) {
    if (deps.signal.aborted) return; // the daemon ends, the process may live on
    if (!(error instanceof EngineError)) throw error;
  } finally {
    exec.end(exitCode);
  }
  publishExecEvent(deps, exec, "exec_die", { exitCode: String(exitCode) });
  await deps.tasks.delete(scope, containerId, id).catch(ignoreMissing);
}

function publishExecEvent(
  deps: StartExecDeps,
  exec: Exec,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const container = deps.containers.find(exec.containerId);
  if (container !== undefined)
    publishContainerEvent(deps.events, container, action, { ...attributes, execID: exec.id });
}

// gantry-containerd on its own: own root, state and socket, gone when disposed.

import { mkdtemp, readdir, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectContainerd } from "#containerd/proxy.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import { type Background, type Result, type RunOptions, run, startBackground } from "../system/process.ts";

const program = join(import.meta.dirname, "../../bin/gantry-containerd");

export interface Layer extends AsyncDisposable {
  readonly dir: string;
  readonly socket: string;
  readonly services: ContainerdServices;
  /** The real ctr; never rejects for its exit code. */
  tryCtr(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** What it printed on stdout; a failure is an error. */
  ctr(...args: readonly string[]): Promise<string>;
  startCtr(...args: readonly string[]): Background;
  /** SIGKILL, as a crash would, and a new one on the same roots. */
  crash(): Promise<void>;
}

/** `netns`: a named network namespace to run in. */
export async function startLayer(netns?: string, flags: readonly string[] = []): Promise<Layer> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "gantry-ctr-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  const socket = join(dir, "run/containerd.sock");
  const places = ["--root", join(dir, "root"), "--state", join(dir, "run"), "--address", socket];
  const command = [program, ...places, ...flags];
  const start = async (): Promise<Background> => {
    const started = startBackground(command, netns === undefined ? {} : { netns });
    await started.line(/serving/);
    return started;
  };
  let daemon = await start();
  undo.defer(() => daemon.end());
  const services = undo.use(connectContainerd(socket));
  undo.defer(() => removeCgroups());
  undo.defer(() => endTasks(services));
  const tryCtr: Layer["tryCtr"] = (args, options) => run(["ctr", "--address", socket, ...args], options);
  const closing = undo.move();
  return {
    dir,
    socket,
    services,
    tryCtr,
    ctr: async (...args) => {
      const result = await tryCtr(args);
      if (result.code !== 0)
        throw new Error(`ctr ${args.join(" ")}: ${result.code}\n${result.stdout}${result.stderr}`);
      return result.stdout;
    },
    startCtr: (...args) => startBackground(["ctr", "--address", socket, ...args]),
    crash: async () => {
      await daemon.signal("SIGKILL");
      daemon = await start();
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Containers outlive the daemon: what a failed test left must be ended. */
async function endTasks({ namespaces, tasks }: ContainerdServices): Promise<void> {
  for (const { name: namespace } of await namespaces.list()) {
    for (const { containerId, status } of await tasks.list({ namespace })) {
      const signal = AbortSignal.timeout(5000);
      if (status === "running" || status === "paused") {
        await tasks.kill({ namespace }, { containerId, execId: "" }, 9, true);
        await tasks.wait({ namespace }, containerId, "", signal);
      }
      await tasks.delete({ namespace }, containerId, "");
    }
  }
}

/** ctr puts containers into a cgroup named for the namespace, which nobody removes: here, if it is empty. */
async function removeCgroups(): Promise<void> {
  for (const hierarchy of await readdir("/sys/fs/cgroup"))
    for (const namespace of ["default", "other"])
      await rmdir(join("/sys/fs/cgroup", hierarchy, namespace)).catch(() => undefined);
}

// The real ctr on two layers at once: Gantry's and a real containerd 1.6. Each has a network namespace of its own with a
// registry at 127.0.0.1:5000, and a folder that walks call {dir}.

import { copyFile, mkdtemp, readdir, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connectContainerd } from "#containerd/proxy.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import type { SnapshotterName } from "#containerd/snapshots/snapshotter-name.ts";
import { makeNamespace } from "../system/engine.ts";
import { type Result, type RunOptions, run } from "../system/process.ts";
import { startRealContainerd } from "../system/real-containerd.ts";
import { startRegistry } from "../system/registry.ts";
import { type AppImage, writeAppImage } from "./app-image.ts";
import { startLayer } from "./layer.ts";

export interface Side extends AsyncDisposable {
  /** "ours" or "real". */
  readonly name: string;
  /** What walks call {dir}; app.tar is in it. */
  readonly dir: string;
  readonly services: ContainerdServices;
  /** Runs a program beside the layer; "ctr" is told its socket and the namespace. */
  perform(namespace: string, words: readonly string[], options?: RunOptions): Promise<Result>;
}

interface Layer extends AsyncDisposable {
  readonly socket: string;
}

async function makeSide(
  name: string,
  start: (netns: string) => Promise<Layer>,
  { image, snapshotter }: { readonly image: string; readonly snapshotter: SnapshotterName },
): Promise<Side> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), `gantry-${name}-`));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  await copyFile(image, join(dir, "app.tar"));
  const netns = basename(dir);
  undo.use(await makeNamespace(netns));
  undo.use(await startRegistry(netns));
  const socket = undo.use(await start(netns)).socket;
  const services = undo.use(connectContainerd(socket, undefined, snapshotter));
  const cleanup = undo.move();
  return {
    name,
    dir,
    services,
    perform: (namespace, words, options) => {
      const env = {
        CONTAINERD_ADDRESS: socket,
        CONTAINERD_NAMESPACE: namespace,
        CONTAINERD_SNAPSHOTTER: snapshotter,
      };
      return run(["timeout", "-s", "KILL", "40", ...words], { netns, ...options, env });
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** ctr puts containers into a cgroup named for the namespace, which nobody removes: here, if it is empty. */
export async function removeCgroups(namespace: string): Promise<void> {
  for (const hierarchy of await readdir("/sys/fs/cgroup"))
    await rmdir(join("/sys/fs/cgroup", hierarchy, namespace)).catch(() => undefined);
}

export interface Sides extends AsyncDisposable {
  readonly ours: Side;
  readonly real: Side;
  readonly digests: AppImage["digests"];
}

export async function startSides(snapshotter: SnapshotterName): Promise<Sides> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "gantry-app-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const { archive: image, digests } = await writeAppImage(folder);
  const startOurs = (netns: string) => startLayer(netns, ["--snapshotter", snapshotter]);
  const ours = undo.use(await makeSide("ours", startOurs, { image, snapshotter }));
  const real = undo.use(await makeSide("real", startRealContainerd, { image, snapshotter }));
  const cleanup = undo.move();
  return { ours, real, digests, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

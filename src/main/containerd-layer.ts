// The containerd layer with its worker threads, as gantryd holds it in its own process and gantry-containerd serves it.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LocalDiff } from "#containerd/diff/local.ts";
import { UnpackPool } from "#containerd/diff/unpack-pool.ts";
import { createLocalContainerd } from "#containerd/local.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import type { SnapshotterName } from "#containerd/snapshots/snapshotter-name.ts";
import { createCgroupReaders } from "#containerd/tasks/cgroup-readers.ts";
import type { TaskReaders } from "#containerd/tasks/local.ts";
import { planCopy } from "#containerd/trees/tree-copy.ts";
import { TreeThreads } from "#containerd/trees/trees.ts";
import type { CgroupLayout } from "#kernel/cgroups/layout.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { TreeRemover } from "#kernel/plan/tree-remover.ts";
import type { Shims } from "#shim/shim.ts";
import { chooseSnapshotter } from "./choose-snapshotter.ts";
import { scriptUrl } from "./script-url.ts";

export interface ContainerdLayerOptions {
  /** Data: meta.db, content/, snapshots/. */
  readonly root: string;
  /** State that a reboot ends: tasks/. */
  readonly execRoot: string;
  readonly shims: Shims;
  readonly executor: Executor;
  /** The zygote's socket: unpacking threads talk to it themselves. */
  readonly executorSocket: string;
  readonly cgroups: CgroupLayout;
  /** undefined: as the root began, or by overlayfs where that can be. */
  readonly snapshotter: SnapshotterName | undefined;
  /** How many times its compressed size a layer may have; 0 is any. */
  readonly maxRatio: () => number;
  /** Of layers that are unpacked, where they can be rebuilt. */
  readonly discardBlobs: boolean;
  readonly explain?: TaskReaders["explain"];
  /** Tells whoever runs the daemon of a container in trouble. */
  readonly warn: (message: string) => void;
}

/** Uncompressed bytes of one layer: far above any real one, far below what fills a disk unnoticed. */
const maxLayerSize = 128 * 1024 ** 3;
const workers = { maxWorkers: 2, idleMs: 30_000 };

export async function openContainerdLayer(options: ContainerdLayerOptions): Promise<ContainerdServices> {
  const { root, execRoot, shims, executorSocket, explain, warn } = options;
  const remover = new TreeRemover(options.executor);
  await using undo = new AsyncDisposableStack();
  const workDir = join(execRoot, "unpack");
  mkdirSync(workDir, { recursive: true, mode: 0o700 });
  const scratch = makeScratch(execRoot);
  const trees = undo.use(openTrees(executorSocket));
  const threads = { workerUrl: scriptUrl("./unpack-worker.ts"), executorSocket, ...workers };
  const services = undo.use(
    await createLocalContainerd({
      root,
      execRoot,
      shims,
      warn,
      snapshotter: await chooseSnapshotter(options, root, options.snapshotter),
      copyTree: (from, to) => trees.copy(planCopy(from, to), new AbortController().signal),
      removeTree: (path) => remover.remove(path),
      rebuild: { threads: undo.use(openTrees(executorSocket)), scratch, discard: options.discardBlobs },
      openDiff: (content, restore) =>
        new LocalDiff({
          content,
          restore,
          contentRoot: join(root, "content"),
          workDir,
          pool: undo.use(new UnpackPool(threads)),
          trees,
          scratch,
          maxLayerSize,
          maxRatio: options.maxRatio,
        }),
      readers: { ...createCgroupReaders(options.cgroups), ...(explain === undefined ? {} : { explain }) },
      hashWorker: scriptUrl("../containerd/content/hash-worker.ts"),
    }),
  );
  const closing = undo.move();
  return { ...services, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** An empty directory, which is covered wherever it is looked at. */
export function makeScratch(execRoot: string): string {
  const scratch = join(execRoot, "view");
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  return scratch;
}

/** Threads that read and write files for people: `docker cp`, `export`, `commit`. */
export const openTrees = (executorSocket: string): TreeThreads =>
  new TreeThreads({ workerUrl: scriptUrl("./tree-worker.ts"), executorSocket, ...workers });

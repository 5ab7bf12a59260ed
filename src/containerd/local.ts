// The containerd layer in this process: one metadata database, files beside it.

import { mkdirSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "#base/database.ts";
import type { Shims } from "#shim/shim.ts";
import { LocalCheck } from "./check/local.ts";
import { LocalContainers } from "./containers/local.ts";
import type { ContentStore } from "./content/content.ts";
import { ContentFiles } from "./content/content-files.ts";
import { HashThread } from "./content/hash-thread.ts";
import { LocalContent } from "./content/local.ts";
import type { DiffService } from "./diff/diff.ts";
import type { LocalDiffDeps } from "./diff/local.ts";
import { LocalEvents } from "./events/local.ts";
import { missing } from "./failures.ts";
import { Collector } from "./gc/collector.ts";
import { Holds } from "./gc/holds.ts";
import { LocalImages } from "./images/local.ts";
import { LocalLeases } from "./leases/local.ts";
import type { Metadata } from "./metadata.ts";
import { LocalNamespaces } from "./namespaces/local.ts";
import { Discarder } from "./rebuild/discarder.ts";
import { Rebuilds, type RebuildsDeps } from "./rebuild/rebuilds.ts";
import { schema } from "./schema.ts";
import type { ContainerdServices } from "./services.ts";
import { LocalSnapshotter } from "./snapshots/local.ts";
import { SnapshotFiles } from "./snapshots/snapshot-files.ts";
import type { SnapshotterName } from "./snapshots/snapshotter-name.ts";
import { LocalTasks, type TaskReaders } from "./tasks/local.ts";

export interface LocalContainerdOptions {
  /** meta.db, content/ and snapshots/ are made in it. */
  readonly root: string;
  /** tasks/ is made in it. */
  readonly execRoot: string;
  readonly shims: Shims;
  /** Called once, with the content store that layers are read from. */
  readonly openDiff: (content: ContentStore, restore: LocalDiffDeps["restore"]) => DiffService;
  /** Lets blobs of layers be discarded and rebuilt. */
  readonly rebuild?: RebuildOptions;
  readonly readers?: TaskReaders;
  /** Tells whoever runs the daemon of a container in trouble. */
  readonly warn?: (message: string) => void;
  /** Milliseconds after which a shim counts as one that does not answer. */
  readonly patience?: number;
  /** Default overlayfs; a root stays with the one that it began with. */
  readonly snapshotter?: SnapshotterName;
  /** Makes a directory what another one is, off this thread. */
  readonly copyTree?: (from: string, to: string) => Promise<void>;
  /** Deletes a directory tree, off this thread. */
  readonly removeTree?: (path: string) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** The script of the hashing thread, if it is not beside this module (bundles). */
  readonly hashWorker?: URL;
}

export interface RebuildOptions {
  readonly threads: RebuildsDeps["threads"];
  /** An empty directory that nobody else looks at. */
  readonly scratch: string;
  /** Whether to; what was discarded before is rebuilt in either case. */
  readonly discard: boolean;
}

/** What the version service tells: the containerd release whose API this layer speaks. */
const version = { version: "1.7.27-gantry", revision: "" };

const copySlowly = (from: string, to: string): Promise<void> =>
  cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });

const removeSlowly = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

/** Tasks that an earlier daemon left are adopted before it resolves. */
export async function createLocalContainerd(options: LocalContainerdOptions): Promise<ContainerdServices> {
  await using undo = new AsyncDisposableStack();
  mkdirSync(options.root, { recursive: true, mode: 0o710 });
  const database = openDatabase(join(options.root, "meta.db"), schema);
  undo.defer(() => database.close());
  const stores = openStores(options, database, undo);
  const tasks = undo.use(
    new LocalTasks({
      execRoot: options.execRoot,
      shims: options.shims,
      containers: stores.containers,
      readers: options.readers ?? {},
      emit: (scope, event) => stores.events.emit(scope, event),
      now: options.now ?? Date.now,
      warn: options.warn ?? (() => undefined),
      ...(options.patience === undefined ? {} : { patience: options.patience }),
    }),
  );
  await tasks.restore();
  const closing = undo.move();
  return {
    ...stores,
    tasks,
    diff: options.openDiff(stores.content, stores.restore),
    version: async () => version,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function openStores(options: LocalContainerdOptions, database: DatabaseSync, undo: AsyncDisposableStack) {
  const now = options.now ?? Date.now;
  const { snapshotter = "overlayfs" } = options;
  const events = new LocalEvents(now);
  const namespaces = new LocalNamespaces(database, (scope, event) => events.emit(scope, event), snapshotter);
  const holds = new Holds(now);
  let discarder: Discarder | undefined;
  const metadata: Metadata = {
    database,
    now,
    enterNamespace: (scope) => namespaces.enter(scope),
    publish: (scope, event) => {
      events.emit(scope, event);
      if (event.topic === "/snapshot/commit" || event.topic === "/content/create") discarder?.request();
    },
    requestCollection: () => collector.request(),
    ...keepers(database, holds),
  };
  const contentFiles = new ContentFiles(join(options.root, "content"));
  const closing = new AbortController();
  undo.defer(() => closing.abort());
  const treesOf = (id: number): readonly string[] => snapshots.treesOf(id);
  const rebuilds = openRebuilds(options, { database, contentFiles, treesOf, signal: closing.signal });
  const content = new LocalContent({
    metadata,
    files: contentFiles,
    hashes: undo.use(
      new HashThread(options.hashWorker ?? new URL("./content/hash-worker.ts", import.meta.url)),
    ),
    rebuilds,
  });
  const files = new SnapshotFiles(join(options.root, "snapshots"), options.removeTree ?? removeSlowly);
  const snapshots: LocalSnapshotter = undo.use(
    new LocalSnapshotter({
      metadata,
      files,
      name: snapshotter,
      copyTree: options.copyTree ?? copySlowly,
      beforeRemoval: async (id) => await rebuilds?.release(id),
      signal: closing.signal,
    }),
  );
  const collector = undo.use(new Collector({ metadata, content, snapshots, holds }));
  collector.request(); // an earlier process may have ended before it did
  if (rebuilds !== undefined && options.rebuild?.discard === true) {
    const { warn = () => undefined } = options;
    discarder = undo.use(new Discarder({ database, content, rebuilds, warn }));
    discarder.request();
  }
  return {
    events,
    namespaces,
    content,
    snapshots,
    images: new LocalImages(metadata),
    containers: new LocalContainers(metadata),
    leases: new LocalLeases({ metadata, collect: async () => collector.collect() }),
    check: new LocalCheck({ database, contentFiles, snapshotFiles: files, snapshotter, rebuilds }),
    restore: async (digest: string) => (await rebuilds?.restore(digest)) ?? new DisposableStack(),
    ...(rebuilds !== undefined && { rebuildUsage: () => rebuilds.usage() }),
  };
}

function keepers(database: DatabaseSync, holds: Holds): Pick<Metadata, "keep" | "keepFound"> {
  const keepInLease = database.prepare(
    `INSERT OR IGNORE INTO lease_resources (namespace, lease, type, id)
     SELECT namespace, id, ?, ? FROM leases WHERE namespace = ? AND id = ?`,
  );
  const isLease = database.prepare("SELECT 1 FROM leases WHERE namespace = ? AND id = ?");
  return {
    keep: ({ namespace, lease }, { type, id }) => {
      if (lease === undefined) {
        holds.add(namespace, { type: type === "content" ? "content" : "snapshot", key: id });
        return;
      }
      if (isLease.get(namespace, lease) === undefined) throw missing(`lease ${JSON.stringify(lease)}`);
      keepInLease.run(type, id, namespace, lease);
    },
    keepFound: ({ namespace, lease }, { type, id }) => {
      if (lease !== undefined) keepInLease.run(type, id, namespace, lease);
    },
  };
}

function openRebuilds(
  { root, rebuild }: LocalContainerdOptions,
  parts: Pick<RebuildsDeps, "database" | "contentFiles" | "treesOf" | "signal">,
): Rebuilds | undefined {
  return rebuild && new Rebuilds({ ...rebuild, ...parts, root: join(root, "content", "records") });
}

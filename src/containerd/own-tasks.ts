// Another make of containerd keeps images, layers, records and events; tasks are ours, over our own shims, since attach, logs and
// metrics are nothing that its own tasks know.

import type { Shims } from "#shim/shim.ts";
import { encodeEvent, type TaskEvent } from "./events/messages.ts";
import type { Labels, Scope } from "./scope.ts";
import type { ContainerdServices } from "./services.ts";
import type { Snapshotter } from "./snapshots/snapshotter.ts";
import { LocalTasks, type TaskReaders } from "./tasks/local.ts";

/** Keeps what bears it from collection. */
const GC_ROOT = "containerd.io/gc.root";

interface OwnTasksOptions {
  /** tasks/ is made in it. */
  readonly execRoot: string;
  readonly shims: Shims;
  readonly readers: TaskReaders;
  /** Tells whoever runs the daemon of a container in trouble. */
  readonly warn: (message: string) => void;
}

/** Our own make ends its version so. Rejects `unavailable` if nobody answers. */
export const hasOurTasks = async ({ version }: Pick<ContainerdServices, "version">): Promise<boolean> =>
  (await version()).version.endsWith("-gantry");

/** Ours never collects a snapshot that is written to, theirs does unless it is told not to: containers have no record there. */
function keepActive(snapshots: Snapshotter): Snapshotter {
  const rooted = (labels: Labels): Labels => ({ [GC_ROOT]: new Date().toISOString(), ...labels });
  return {
    ...snapshots,
    prepare: (scope, key, parent, labels) => snapshots.prepare(scope, key, parent, rooted(labels)),
    view: (scope, key, parent, labels) => snapshots.view(scope, key, parent, rooted(labels)),
  };
}

/** Takes over tasks that an earlier daemon left. Disposes `services` with what it returns. */
export async function withOwnTasks(
  services: ContainerdServices,
  { execRoot, shims, readers, warn }: OwnTasksOptions,
): Promise<ContainerdServices> {
  await using undo = new AsyncDisposableStack();
  undo.use(services);
  let published = Promise.resolve();
  // One after the other: a task's start must not be told before its making.
  const publish = async (scope: Scope, event: TaskEvent): Promise<void> => {
    try {
      await services.events.publish(scope, event.topic, encodeEvent(event));
    } catch (error) {
      warn(`containerd was not told of ${event.topic}: ${String(error)}`);
    }
  };
  const emit = (scope: Scope, event: TaskEvent): void => {
    published = published.then(() => publish(scope, event));
  };
  undo.defer(() => published);
  const tasks = undo.use(
    new LocalTasks({ execRoot, shims, containers: services.containers, readers, emit, now: Date.now, warn }),
  );
  await tasks.restore();
  const closing = undo.move();
  return {
    ...services,
    tasks,
    snapshots: keepActive(services.snapshots),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

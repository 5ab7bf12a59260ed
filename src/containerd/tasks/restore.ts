// What an earlier daemon left: shims that run are adopted, exits are collected, half-made tasks are removed. A shim that does not
// answer costs nobody but its own container, which is "unknown" until it does or is killed.

import { isKind } from "#base/errors.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { answerWithin } from "./patience.ts";
import { Task, type TaskDeps } from "./task.ts";
import type { TaskIdentity } from "./task-exits.ts";
import type { TaskRecord } from "./task-files.ts";

/** A shim that answers later than this, in milliseconds, is adopted then: the daemon's start does not wait for it. */
const startPatience = 1000;
const unknownSpec: Spec = { ociVersion: "1.0.0" };

/** Never takes much longer than a shim is given to answer. */
export async function restoreTasks(deps: TaskDeps): Promise<readonly Task[]> {
  const found = deps.files.list().map(({ namespace, id }) => {
    const directory = deps.files.directory(namespace, id);
    return restoreTask(deps, { scope: { namespace }, id, directory });
  });
  return (await Promise.all(found)).filter((task) => task !== undefined);
}

async function restoreTask(deps: TaskDeps, identity: TaskIdentity): Promise<Task | undefined> {
  const { id, directory } = identity;
  const record = deps.files.find(directory);
  try {
    if (record !== undefined) return await takeOver(deps, identity, record);
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
  try {
    await deps.shims.clean(id, directory, record?.spec ?? unknownSpec);
    deps.files.remove(directory);
  } catch (error) {
    // The next task of this name, or the next start, tries again.
    deps.warn(`container ${id}: what is left of it is not removed: ${String(error)}`);
  }
  return undefined;
}

async function takeOver(deps: TaskDeps, identity: TaskIdentity, record: TaskRecord): Promise<Task> {
  const { id, directory } = identity;
  const task = new Task(deps, identity, record, undefined);
  const request = {
    id,
    stateDir: directory,
    ...(record.runtime !== undefined && { runtime: record.runtime }),
    get spec() {
      return record.spec;
    },
  };
  const adoption = deps.shims.adopt(request, task.signal);
  const patience = Math.min(startPatience, deps.patience);
  const found = await answerWithin(patience, adoption).catch((error: unknown) => {
    if (isKind(error, "notFound") || deps.signal.aborted) throw error;
    return undefined;
  });
  if (found !== undefined) {
    task.adopt(found.answer);
    return task;
  }
  deps.warn(`container ${id}: its shim does not answer`);
  task.awaitShim(adoption);
  return task;
}

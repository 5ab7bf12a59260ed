// What an earlier daemon left: shims that run are adopted, exits are collected, half-made tasks are removed.

import { isKind } from "#base/errors.ts";
import type { ProcessExit, Shim } from "#shim/shim.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { Task, type TaskDeps, type TaskIdentity } from "./task.ts";
import type { TaskRecord } from "./task-files.ts";

const unknownSpec: Spec = { ociVersion: "1.0.0" };

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
    if (record !== undefined)
      return takeOver(
        deps,
        identity,
        record,
        await deps.shims.adopt({ id, stateDir: directory, spec: record.spec }, deps.signal),
      );
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
  await deps.shims.clean(id, directory, record?.spec ?? unknownSpec);
  deps.files.remove(directory);
  return undefined;
}

function takeOver(
  deps: TaskDeps,
  identity: TaskIdentity,
  record: TaskRecord,
  found: Shim | ProcessExit,
): Task {
  if (!("initPid" in found)) {
    const ended = new Task(deps, identity, record, undefined);
    ended.init.end(found);
    return ended;
  }
  const task = new Task(deps, identity, record, found);
  task.adopted = true;
  const { files } = deps;
  if (files.isMarked(identity.directory, "started"))
    task.init.status = files.isMarked(identity.directory, "paused") ? "paused" : "running";
  task.watch();
  return task;
}

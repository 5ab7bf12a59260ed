// GET /containers/{id}/top.

import { readFileSync } from "node:fs";
import { totalmem, uptime } from "node:os";
import { conflict, systemError } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "./container-events.ts";
import { readProcess } from "./process-table.ts";
import { type PsMachine, parsePsArguments } from "./ps-columns.ts";
import { hasProcess } from "./record.ts";
import { scope } from "./scope.ts";
import type { ContainerStore } from "./store.ts";

export interface TopDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "pids">;
  readonly events: Pick<EventBus, "publish">;
}

export async function topContainer(
  deps: TopDeps,
  reference: string,
  psArguments: string,
): Promise<{ readonly Titles: readonly string[]; readonly Processes: readonly (readonly string[])[] }> {
  const columns = parsePsArguments(psArguments);
  if (!columns.some(({ title }) => title === "PID"))
    throw systemError("Couldn't find PID field in ps output");
  const container = deps.containers.get(reference);
  if (!hasProcess(container.state)) throw conflict(`container ${container.id} is not running`);
  const pids = await deps.tasks.pids(scope, container.id);
  const processes = await Promise.all(pids.toSorted((a, b) => a - b).map(readProcess));
  const machine = readMachine();
  publishContainerEvent(deps.events, container, "top");
  return {
    Titles: columns.map(({ title }) => title),
    Processes: processes
      .filter((process) => process !== undefined)
      .map((process) => columns.map(({ text }) => text(process, machine))),
  };
}

/** Names are the host's, as those of the ps that Docker runs. */
function readMachine(): PsMachine {
  const users = readNames("/etc/passwd");
  const groups = readNames("/etc/group");
  return {
    uptime: uptime(),
    memory: totalmem(),
    now: Date.now(),
    userName: (uid) => users.get(uid) ?? String(uid),
    groupName: (gid) => groups.get(gid) ?? String(gid),
  };
}

function readNames(path: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [name = "", , id = ""] = line.split(":");
    if (id !== "" && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

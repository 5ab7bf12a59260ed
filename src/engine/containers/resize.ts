// POST /containers/{id}/resize.

import { conflict, invalid } from "#base/errors.ts";
import type { Tasks } from "#containerd/tasks/tasks.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "./container-events.ts";
import { hasProcess } from "./record.ts";
import { scope } from "./scope.ts";
import type { ContainerStore } from "./store.ts";

export interface ResizeDeps {
  readonly containers: ContainerStore;
  readonly tasks: Pick<Tasks, "resizePty">;
  readonly events: Pick<EventBus, "publish">;
}

export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

export function parseTerminalSize(height: string | null, width: string | null): TerminalSize {
  return { rows: readSide("height", height ?? ""), cols: readSide("width", width ?? "") };
}

function readSide(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(`invalid resize ${name} "${text}": invalid syntax`);
  const value = Number(text);
  if (value > 65_535) throw invalid(`invalid resize ${name} "${text}": value out of range`);
  return value;
}

export async function resizeContainer(
  deps: ResizeDeps,
  reference: string,
  size: TerminalSize,
): Promise<void> {
  const container = deps.containers.get(reference);
  if (!hasProcess(container.state)) throw conflict(`container ${container.id} is not running`);
  await deps.tasks.resizePty(scope, { containerId: container.id, execId: "" }, size);
  publishContainerEvent(deps.events, container, "resize", {
    height: String(size.rows),
    width: String(size.cols),
  });
}

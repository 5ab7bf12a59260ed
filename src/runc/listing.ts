// state and list.

import { invalid } from "#base/errors.ts";
import { alignColumns } from "#formats/table.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import { type ContainerState, statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";

interface Described {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

function describe(state: ContainerState): Described {
  const { id, spec, bundle, rootfs, created, owner, initPid } = state;
  const status = statusOf(state);
  const { annotations = {} } = spec;
  return {
    ociVersion: spec.ociVersion,
    id,
    pid: status === "stopped" ? 0 : initPid,
    status,
    bundle,
    rootfs,
    created,
    ...(Object.keys(annotations).length > 0 && { annotations }),
    owner,
  };
}

export async function stateCommand({ containers, caller }: Deps, id: string): Promise<number> {
  await caller.write(1, JSON.stringify(describe(containers.get(id)), undefined, 2));
  return 0;
}

export async function listCommand({ containers, caller }: Deps, given: Given): Promise<number> {
  await caller.write(1, formatList(containers.list(), given));
  return 0;
}

function formatList(states: readonly ContainerState[], given: Given): string {
  if (isOn(given, "quiet")) return states.map(({ id }) => `${id}\n`).join("");
  const rows = states.map(describe);
  const format = lastOf(given, "format") ?? "table";
  if (format === "json") return rows.length === 0 ? "null" : JSON.stringify(rows);
  if (format !== "table") throw invalid("invalid format option");
  const lines = rows.map(({ id, pid, status, bundle, created }) =>
    [id, pid, status, bundle, created, "root"].join("\t"),
  );
  const text = ["ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER", ...lines].join("\n");
  return `${alignColumns(text, { minWidth: 12, padding: 1 })}\n`;
}

// state and list.

import { existsSync, readFileSync, statSync } from "node:fs";
import { invalid } from "#base/errors.ts";
import { alignColumns } from "#formats/table.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import type { ContainerState } from "./containers.ts";
import type { Deps } from "./create.ts";
import { readStatus } from "./status.ts";

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

function describe(deps: Deps, state: ContainerState): Described {
  const { id, spec, bundle, rootfs, created, owner, initPid } = state;
  const status = readStatus(deps, state);
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

export async function stateCommand(deps: Deps, id: string): Promise<number> {
  await deps.caller.write(1, JSON.stringify(describe(deps, deps.containers.get(id)), undefined, 2));
  return 0;
}

export async function listCommand(deps: Deps, given: Given): Promise<number> {
  await deps.caller.write(1, formatList(deps, given));
  return 0;
}

function formatList(deps: Deps, given: Given): string {
  const states = deps.containers.list();
  if (isOn(given, "quiet")) return states.map(({ id }) => `${id}\n`).join("");
  const rows = states.map((state) => ({
    ...describe(deps, state),
    owner: ownerOf(deps.containers.directory(state.id)),
  }));
  const format = lastOf(given, "format") ?? "table";
  if (format === "json") return `${rows.length === 0 ? "null" : JSON.stringify(rows)}\n`;
  if (format !== "table") throw invalid("invalid format option");
  const lines = rows.map(({ id, pid, status, bundle, created, owner }) =>
    [id, pid, status, bundle, created, owner].join("\t"),
  );
  const text = ["ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER", ...lines].join("\n");
  return `${alignColumns(text, { minWidth: 12, padding: 1 })}\n`;
}

/** Whose folder it is: the name, or "#" and the number of a user that has none. */
function ownerOf(directory: string): string {
  const uid = String(statSync(directory).uid);
  const users = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8").split("\n") : [];
  const entry = users.map((line) => line.split(":")).find((fields) => fields[2] === uid);
  return entry?.[0] ?? `#${uid}`;
}

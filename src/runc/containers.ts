// The containers below --root: a folder each, with state.json and the FIFO that the init waits at.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimed } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseExactJson, stringifyExactJson } from "#formats/exact-json.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { decodeSpec } from "#spec/oci-runtime-decode.ts";
import { missingContainer } from "./failures.ts";
import type { CgroupRecord } from "./placement.ts";
import type { ContainerPlace } from "./runtime.ts";

export interface ContainerState {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly owner: string;
  /** 0: not known, the container is being made or was never complete. */
  readonly initPid: number;
  /** From /proc: a number that was given to another process since is not taken for the container's. */
  readonly initStartTime: string;
  /** Path of the FIFO that the init waits at; its name is removed when it starts. "": the container was started as it was made. */
  readonly startFifo: string;
  readonly spec: Spec;
  readonly placement: CgroupRecord;
}

/** Of a container that is about to be made: saved before anything of it exists. */
export const beginState = (
  of: Pick<ContainerState, "id" | "bundle" | "rootfs" | "startFifo" | "spec" | "placement">,
): ContainerState => ({
  ...of,
  created: new Date().toISOString(),
  owner: "",
  initPid: 0,
  initStartTime: "",
});

export type Status = "created" | "running" | "paused" | "stopped";

function readState(text: string): ContainerState {
  const state = claimed<ContainerState>(parseExactJson(text));
  return { ...state, spec: decodeSpec(state.spec) };
}

export class Containers {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes the container's folder: from here on the name is taken. */
  reserve(id: string): string {
    if (!isContainerId(id)) throw invalid("invalid container ID format");
    mkdirSync(this.#root, { recursive: true, mode: 0o711 });
    const directory = this.directory(id);
    if (existsSync(directory)) throw invalid("container with given ID already exists");
    mkdirSync(directory, { mode: 0o711 });
    return directory;
  }

  directory(id: string): string {
    return join(this.#root, id);
  }

  /** A reader sees the state before or after, never half of it. */
  save(state: ContainerState): void {
    const path = join(this.directory(state.id), "state.json");
    writeFileSync(`${path}.new`, stringifyExactJson(state), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  get(id: string): ContainerState {
    const state = this.find(id);
    if (state === undefined) throw missingContainer();
    return state;
  }

  find(id: string): ContainerState | undefined {
    return isContainerId(id) ? this.#read(id) : undefined;
  }

  list(): readonly ContainerState[] {
    const names = existsSync(this.#root) ? readdirSync(this.#root).sort() : [];
    return names.flatMap((name) => this.#read(name) ?? []);
  }

  remove(id: string): void {
    if (isContainerId(id)) rmSync(this.directory(id), { recursive: true, force: true });
  }

  place({ id, spec, placement }: Pick<ContainerState, "id" | "spec" | "placement">): ContainerPlace {
    return { id, spec, placement, stateDir: this.directory(id) };
  }

  #read(id: string): ContainerState | undefined {
    const path = join(this.directory(id), "state.json");
    return existsSync(path) ? readState(readFileSync(path, "utf8")) : undefined;
  }
}

const isContainerId = (id: string): boolean => /^[\w+.-]+$/.test(id) && id !== "." && id !== "..";

export function statusOf({ initPid, initStartTime, startFifo }: ContainerState): Status {
  const process = initPid === 0 ? undefined : readProcess(initPid);
  if (process === undefined || process.startTime !== initStartTime || /[ZX]/.test(process.state))
    return "stopped";
  return startFifo !== "" && existsSync(startFifo) ? "created" : "running";
}

/** Field 3 and field 22 of /proc/PID/stat; the name before them may hold anything but ends with the last bracket. */
export function readProcess(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
  } catch {
    return undefined; // it ended meanwhile
  }
}

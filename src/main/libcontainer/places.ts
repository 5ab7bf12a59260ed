// Where one opened library keeps what its containers need. Everything has a number: nothing is global.
//
//   <directory>/zygote.sock
//   <directory>/<number>/          a shim's: its socket, exit records, FIFOs
//   <directory>/guard/             of the shim that removes the rest when the library ends
//   <hierarchy>/<cgroup>/<number>  the container's cgroup, unless its specification names another

import { basename, join, posix } from "node:path";
import { type CgroupPaths, cgroupPaths, findController } from "#kernel/cgroups/paths.ts";
import { planDirectories, planRemove } from "#kernel/cgroups/plan-cgroup.ts";
import { planWrite } from "#kernel/cgroups/plan-write.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { HostFacts } from "#libcontainer/host-facts.ts";

export interface Place {
  readonly id: string;
  readonly stateDir: string;
  readonly cgroup: string;
}

const S_IFIFO = 0o010000;
const root = { uid: 0, gid: 0, major: 0, minor: 0 };

export const streamNames = ["stdin", "stdout", "stderr"] as const;
export type StreamName = (typeof streamNames)[number];

export const fifoPath = ({ stateDir }: Place, process: string, stream: StreamName): string =>
  join(stateDir, `${process}.${stream}`);

export class Places {
  readonly directory: string;
  readonly #host: HostFacts;
  readonly #parent: string;

  /** `directory` is new and ours alone, and so is its name. */
  constructor(directory: string, host: HostFacts) {
    this.directory = directory;
    this.#host = host;
    this.#parent = `/${basename(directory)}`;
  }

  get zygoteSocket(): string {
    return join(this.directory, "zygote.sock");
  }

  at(id: string): Place {
    return { id, stateDir: join(this.directory, id), cgroup: posix.join(this.#parent, id) };
  }

  /** Made before a container is wanted: what every container needs, whatever it is. */
  planPrepared(place: Place): Plan {
    const paths = cgroupPaths(this.#host.cgroups, place.cgroup);
    return [
      ...planDirectories(paths, this.#host.cgroups),
      ...planFifos(place, "init"),
      ...planFifos(place, execName(0)),
    ];
  }

  /** What is done when a shim ends, however its program has ended. */
  planWill(place: Place, cgroup: string): Plan {
    const own = cgroup === place.cgroup ? [] : [cgroup];
    const paths = [place.cgroup, ...own].map((path) => this.cgroupPaths(path));
    return [
      ...paths.flatMap(planRelease),
      ...paths.flatMap(planRemove),
      { op: "removeTree", why: "state of the container", path: place.stateDir, missingOk: true },
    ];
  }

  /** The will of a shim that never has a container: what all share. It waits for the others' cgroups. */
  planEnd(): Plan {
    return [
      ...planRemove(this.cgroupPaths(this.#parent)),
      { op: "removeTree", why: "state of the library", path: this.directory, missingOk: true },
    ];
  }

  cgroupPaths(path: string): CgroupPaths {
    return cgroupPaths(this.#host.cgroups, path);
  }
}

/** First of all: version 1 does not let frozen processes die; version 2 ends also those that are in no pid namespace. */
function planRelease(paths: CgroupPaths): Plan {
  const freezer = paths.v2 === undefined ? findController(paths, "freezer") : undefined;
  const [path, text] =
    paths.v2 === undefined
      ? [`${freezer}/freezer.state`, "THAWED"]
      : [`${paths.v2.directory}/cgroup.kill`, "1"];
  if (paths.v2 === undefined && freezer === undefined) return [];
  const write = planWrite(path, text, "nothing may outlive the container");
  return [{ ...write, host: true, mayFail: true }];
}

/** A further process, by its number. */
export const execName = (number: number): string => `exec${number}`;

export const planFifos = (place: Place, process: string): Plan =>
  streamNames.map((stream) => ({
    op: "mknod",
    why: `${stream} of ${process}`,
    path: fifoPath(place, process, stream),
    mode: S_IFIFO | 0o600,
    ...root,
  }));

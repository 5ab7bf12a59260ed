// What the command line needs of the layers that it does not know: containers with a supervisor each. Passed in by the program.

import type { Duplex } from "node:stream";
import type { CgroupPaths } from "#kernel/cgroups/paths.ts";
import type { Process, Spec } from "#spec/oci-runtime.ts";

/** "fifos": paths that are opened for the process; "" is /dev/null. "attach": kept for clients that attach. */
export type Streams =
  | { readonly kind: "null" }
  | {
      readonly kind: "fifos";
      readonly terminal: boolean;
      readonly stdin: string;
      readonly stdout: string;
      readonly stderr: string;
    }
  | {
      readonly kind: "attach";
      readonly terminal: boolean;
      readonly stdin: boolean;
      readonly stdinOnce: boolean;
    };

/** A container's supervisor, which outlives the command. Process "" is the init. */
export interface Supervisor extends AsyncDisposable {
  readonly initPid: number;
  start(signal: AbortSignal): Promise<void>;
  exec(execId: string, process: Process, streams: Streams, signal: AbortSignal): Promise<number>;
  attach(
    execId: string,
    options: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean },
    signal: AbortSignal,
  ): Promise<Duplex>;
  kill(execId: string, signal: number, all: boolean): Promise<void>;
  resizePty(execId: string, size: { readonly rows: number; readonly cols: number }): Promise<void>;
  wait(execId: string, signal: AbortSignal): Promise<{ readonly exitCode: number }>;
}

export interface ContainerPlace {
  readonly id: string;
  /** Where the supervisor keeps its sockets and records. */
  readonly stateDir: string;
  readonly spec: Spec;
}

export interface Runtime {
  create(place: ContainerPlace, streams: Streams, signal: AbortSignal): Promise<Supervisor>;
  /** The supervisor of a container that lives; throws notFound if there is none. */
  find(place: ContainerPlace, signal: AbortSignal): Promise<Supervisor>;
  /** Removes what an ended container left; idempotent. */
  clean(place: ContainerPlace): Promise<void>;
  /** Where its cgroups are. */
  cgroups(place: ContainerPlace): CgroupPaths;
  /** Every process of the container, by the host's numbers. */
  pids(place: ContainerPlace): Promise<readonly number[]>;
  /** What would be done, one line for each operation. */
  explain(place: ContainerPlace): readonly string[];
}

// What containerd/tasks asks of a shim. Implemented by the native shim (gantry-exec) and, later, by containerd-shim-*-v2.

import type { Duplex } from "node:stream";
import type { Mount, Process, Resources, Spec } from "#spec/oci-runtime.ts";

/** Where a process's standard streams go. Paths are FIFOs that exist; "" is /dev/null. */
export type ProcessIo =
  | { readonly kind: "null" }
  | {
      readonly kind: "fifos";
      readonly terminal: boolean;
      readonly stdin: string;
      readonly stdout: string;
      readonly stderr: string;
    }
  /** The shim serves attach itself; `log` makes it write a json-file log. `stdin`: keep a stdin stream open for attach. */
  | {
      readonly kind: "attach";
      readonly terminal: boolean;
      readonly stdin: boolean;
      /** Close stdin when the first attached client closes its own (Docker's StdinOnce). */
      readonly stdinOnce: boolean;
      readonly log?: JsonFileLog;
    };

export interface JsonFileLog {
  readonly path: string;
  /** Bytes; 0 is no rotation. */
  readonly maxSize: number;
  /** Files kept, the current one included; at least 1. */
  readonly maxFiles: number;
  /** A JSON object text added to each line as `attrs`, or "". */
  readonly attrs: string;
}

/** A container saved with criu. Both folders are absolute and there. */
export interface Checkpoint {
  readonly images: string;
  /** Of criu's log. */
  readonly work: string;
}

export interface ShimCreate {
  readonly id: string;
  /** Exists, 0711, owned by the caller: sockets, FIFOs and the exit record live here. */
  readonly stateDir: string;
  readonly spec: Spec;
  /** The execution driver, as containerd names runtimes; absent: libcontainer. */
  readonly runtime?: string;
  /** Mounted in order to make the root file system, inside the container's mount namespace; empty: spec.root.path is ready. */
  readonly rootfs: readonly Mount[];
  readonly io: ProcessIo;
  /** The container goes on from there: its processes come with the start. */
  readonly checkpoint?: Checkpoint;
}

export interface ProcessExit {
  /** 0..255; 128 + signal. */
  readonly exitCode: number;
  /** Milliseconds since the epoch, with fraction. */
  readonly exitedAt: number;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The process may still be to come: the stream begins with its start. Without it such a process is notFound. */
  readonly early?: boolean;
}

/** One running shim. Process ids: "" is the container's init, anything else an exec. */
export interface Shim extends AsyncDisposable {
  readonly pid: number;
  /** The init's pid on the host; of a container that is restored, once it is started. */
  readonly initPid: number;
  start(signal: AbortSignal): Promise<void>;
  /** Starts a further process; resolves with its pid once it has been exec'ed, rejects with PlanError when it could not be. */
  exec(execId: string, process: Process, io: ProcessIo, signal: AbortSignal): Promise<number>;
  /** `all`: every process of the container. Rejects with notFound if the process has ended. */
  kill(execId: string, signal: number, all: boolean): Promise<void>;
  resizePty(execId: string, size: { readonly rows: number; readonly cols: number }): Promise<void>;
  closeStdin(execId: string): Promise<void>;
  /** A stream to the process: write stdin, end() to close it; read the output. With a terminal the bytes are raw, without one they
   *  are Docker's frames (8-byte header: stream 1 or 2, 0 0 0, u32be length). Ends when the process's output ends.
   *  Resolves once the shim has registered the client, so nothing printed after that is missed. `signal` ends that wait; the stream
   *  lives until one of its ends closes it. */
  attach(execId: string, options: AttachOptions, signal: AbortSignal): Promise<Duplex>;
  /** Resolves when the process has ended and its output is in the log; at once if that has happened. */
  wait(execId: string, signal: AbortSignal): Promise<ProcessExit>;
  pids(): Promise<readonly number[]>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  update(resources: Resources): Promise<void>;
  /** Saves the container. Unless it is left running, its processes are killed behind that; a failure leaves it as it was. */
  checkpoint(wanted: Checkpoint & { readonly leaveRunning: boolean }, signal: AbortSignal): Promise<void>;
}

export type AdoptRequest = Pick<ShimCreate, "id" | "stateDir" | "spec" | "runtime">;

export interface Shims {
  /** Starts a shim and the container's init up to its start point. A failure leaves no process, cgroup, mount or file. */
  create(request: ShimCreate, signal: AbortSignal): Promise<Shim>;
  /** Takes over a shim that an earlier daemon started, however long that shim takes to answer. Resolves to the exit if it has ended;
   *  rejects notFound if nothing is known. */
  adopt(request: AdoptRequest, signal: AbortSignal): Promise<Shim | ProcessExit>;
  /** Kills a shim that does not answer; its container goes with `clean`. An `adopt` that waits for it rejects. */
  kill(id: string, stateDir: string): Promise<void>;
  /** Removes what a finished or lost container left: processes without a shim, cgroups, state directory. Idempotent. */
  clean(id: string, stateDir: string, spec: Spec): Promise<void>;
}

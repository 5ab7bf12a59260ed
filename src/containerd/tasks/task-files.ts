// A task's directory <exec root>/tasks/<namespace>/<id>: what the next daemon needs to go on with it.
//   task.json   how it was made, written before the shim starts
//   started     there from just before the init is started on
//   paused      there while it is paused
// The rest of the directory is the shim's.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { array, boolean, type Decoded, type Decoder, object, string, unknown } from "#base/decode.ts";
import type { Mount, Spec } from "#spec/oci-runtime.ts";
import { alreadyExists, errnoOf } from "../failures.ts";
import { specOf } from "./spec-document.ts";
import type { TaskIo } from "./tasks.ts";

export interface TaskRecord {
  /** Of one that was found: read when somebody asks, since a daemon that starts finds many and needs few. */
  readonly spec: Spec;
  readonly rootfs: readonly Mount[];
  readonly io: TaskIo;
  /** Absent: containerd's default. */
  readonly runtime?: string;
}

export type TaskMark = "started" | "paused";

const decodeRecord = object(
  {
    spec: unknown,
    rootfs: array<Mount>(
      object({ destination: string }, { type: string, source: string, options: array(string) }),
    ),
    io: object(
      { terminal: boolean, stdin: string, stdout: string, stderr: string },
      {},
    ) satisfies Decoder<TaskIo>,
  },
  { runtime: string },
);

const readRecord = (directory: string): Decoded<typeof decodeRecord> =>
  decodeRecord(JSON.parse(readFileSync(join(directory, "task.json"), "utf8")), "task");

export class TaskFiles {
  readonly #root: string;

  constructor(execRoot: string) {
    this.#root = join(execRoot, "tasks");
    mkdirSync(this.#root, { recursive: true, mode: 0o711 });
  }

  directory(namespace: string, id: string): string {
    return join(this.#root, namespace, id);
  }

  /** Throws `conflict` if the directory is there; any other failure leaves none. */
  make(namespace: string, id: string, record: TaskRecord): void {
    const directory = this.directory(namespace, id);
    try {
      mkdirSync(directory, { mode: 0o711 });
    } catch (error) {
      if (errnoOf(error) === "EEXIST") throw alreadyExists(`task ${id}`);
      if (errnoOf(error) !== "ENOENT") throw error;
      mkdirSync(join(this.#root, namespace), { mode: 0o711, recursive: true });
      mkdirSync(directory, { mode: 0o711 });
    }
    try {
      mkdirSync(join(directory, "rootfs"), { mode: 0o700 }); // what a relative root.path means
      writeFileSync(join(directory, "task.json"), JSON.stringify(record), { mode: 0o600 });
      const root = record.spec.root?.path ?? "";
      if (root.startsWith(`${directory}/`)) mkdirSync(root, { recursive: true, mode: 0o711 });
    } catch (error) {
      this.remove(directory);
      throw error;
    }
  }

  /** undefined for a task that was being made when its daemon died. */
  find(directory: string): TaskRecord | undefined {
    try {
      const { spec: _later, ...record } = readRecord(directory);
      return {
        ...record,
        get spec() {
          const spec = specOf(readRecord(directory).spec);
          Object.defineProperty(this, "spec", { value: spec });
          return spec;
        },
      };
    } catch {
      return undefined;
    }
  }

  list(): readonly { readonly namespace: string; readonly id: string }[] {
    return readdirSync(this.#root).flatMap((namespace) =>
      readdirSync(join(this.#root, namespace)).map((id) => ({ namespace, id })),
    );
  }

  exists(directory: string): boolean {
    return existsSync(directory);
  }

  mark(directory: string, mark: TaskMark): void {
    writeFileSync(join(directory, mark), "");
  }

  unmark(directory: string, mark: TaskMark): void {
    rmSync(join(directory, mark), { force: true });
  }

  isMarked(directory: string, mark: TaskMark): boolean {
    return existsSync(join(directory, mark));
  }

  remove(directory: string): void {
    rmSync(directory, { recursive: true, force: true });
  }
}

// What the daemon and a thread that works on trees say to each other. Each job has a port of its own; bytes are transferred, not copied.
//
//   daemon  job, port ------------------> thread
//           want -----------------------> one more chunk may come          (a job that reads)
//           bytes, end -----------------> the archive                      (a job that writes)
//           abort ---------------------->
//           <----------------------- told(stat)                            what is at the path
//           <----------------------- bytes
//           <----------------------- want                                  one more chunk may come
//           <----------------------- done | failed(kind, message, code, why)

import { array, boolean, type Decoder, integer, isRecord, literal, object, string } from "#base/decode.ts";
import type { EngineError } from "#base/errors.ts";
import type { EncodedPlan } from "#kernel/zygote/connect.ts";
import type { RebuildRequest, RecordRequest } from "../rebuild/rebuild-task.ts";
import type { PathStat } from "./tree-paths.ts";
import type { UnpackRequest } from "./tree-tasks.ts";

/** Chunks of a job that may be on their way: few wake-ups on a busy machine, and 4 MiB at most. */
export const WINDOW = 16;
/** The same of an archive that comes in, whose pieces are mostly as the connection gives them: 64 KiB. */
export const WINDOW_IN = 64;

/** What of a snapshot's own is wanted. */
export interface LayerChoice {
  /** Places for mounts, left out if they are nothing else. */
  readonly exclude: readonly string[];
  /** The snapshot is a whole tree, not a layer. */
  readonly whole: boolean;
}

export type TreeTask =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "root" }
  | ({ readonly kind: "layer" } & LayerChoice)
  | ({ readonly kind: "changes" } & LayerChoice)
  | { readonly kind: "copy" }
  | ({ readonly kind: "record" } & RecordRequest)
  | ({ readonly kind: "rebuild" } & RebuildRequest)
  | ({ readonly kind: "unpack" } & UnpackRequest);

export interface TreeJob {
  readonly executorSocket: string;
  /** Opens the tree. */
  readonly plan: EncodedPlan;
  readonly task: TreeTask;
}

export type ToThread =
  | { readonly kind: "want" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "abort" };

export interface ThreadFailure {
  readonly kind: "failed";
  readonly message: string;
  /** Of an EngineError; "" for a failure of another kind. */
  readonly errorKind: EngineError["kind"] | "";
  /** Of an operation that the kernel refused: errno and reason. */
  readonly code: string;
  readonly why: string;
}

export type FromThread =
  | { readonly kind: "told"; readonly stat: PathStat }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "want" }
  | { readonly kind: "done" }
  | ThreadFailure;

const bytes: Decoder<Uint8Array> = (value, path) => {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${path} is not bytes`);
};

const exclude = array(string);
const tasks = {
  path: object({ kind: literal("path"), path: string }, {}),
  root: object({ kind: literal("root") }, {}),
  layer: object({ kind: literal("layer"), exclude, whole: boolean }, {}),
  changes: object({ kind: literal("changes"), exclude, whole: boolean }, {}),
  copy: object({ kind: literal("copy") }, {}),
  record: object(
    { kind: literal("record"), record: string, digest: string, blob: string, maxSize: integer },
    {},
  ),
  rebuild: object({ kind: literal("rebuild"), record: string, digest: string }, {}),
  unpack: object(
    {
      kind: literal("unpack"),
      path: string,
      keepKinds: boolean,
      refusals: array(object({ at: string, message: string }, {})),
    },
    { owner: object({ uid: integer, gid: integer }, {}), takesTop: boolean },
  ),
};

const task: Decoder<TreeTask> = (value, path) => {
  const kind = literal(
    ...(["path", "root", "layer", "changes", "copy", "record", "rebuild", "unpack"] as const),
  )(kindOf(value), path);
  return tasks[kind](value, path);
};

const kindOf = (value: unknown): unknown => (isRecord(value) ? value.kind : undefined);

const plan = object({ bytes, whys: array(string) }, {});
const job = object({ executorSocket: string, plan, task }, {});
export const decodeTreeJob = (value: unknown): TreeJob => job(value, "job");

const toThread = {
  want: object({ kind: literal("want") }, {}),
  bytes: object({ kind: literal("bytes"), bytes }, {}),
  end: object({ kind: literal("end") }, {}),
  abort: object({ kind: literal("abort") }, {}),
};
export function decodeToThread(value: unknown): ToThread {
  const kind = literal("want", "bytes", "end", "abort")(kindOf(value), "kind");
  return toThread[kind](value, "message");
}

const fromThread = {
  told: object(
    {
      kind: literal("told"),
      stat: object({ name: string, size: integer, mode: integer, mtime: string, linkTarget: string }, {}),
    },
    {},
  ),
  bytes: toThread.bytes,
  want: toThread.want,
  done: object({ kind: literal("done") }, {}),
  failed: object(
    {
      kind: literal("failed"),
      message: string,
      errorKind: literal(
        ...(["", "invalid", "unauthorized", "forbidden", "notFound", "conflict", "notModified"] as const),
        ...(["unavailable", "unsupported", "tooLarge", "outOfRange", "system"] as const),
      ),
      code: string,
      why: string,
    },
    {},
  ),
};
export function decodeFromThread(value: unknown): FromThread {
  const kind = literal("told", "bytes", "want", "done", "failed")(kindOf(value), "kind");
  return fromThread[kind](value, "message");
}

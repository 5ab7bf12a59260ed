// What the daemon and an unpack worker say to each other. A worker serves one job at a time.
//
//   daemon  start(job) ----------------> worker
//           abort       ---------------->
//           <---------------- progress(bytes)…
//           <---------------- done(digest, size) | failed(message)

import { array, type Decoder, integer, isRecord, literal, object, string } from "#base/decode.ts";
import type { UnpackJob } from "./unpack.ts";

export type WorkerRequest =
  | { readonly kind: "start"; readonly job: UnpackJob; readonly executorSocket: string }
  | { readonly kind: "abort" };

export type WorkerReply =
  | { readonly kind: "progress"; readonly bytes: number }
  | { readonly kind: "done"; readonly digest: string; readonly size: number; readonly fileSize: number }
  | { readonly kind: "failed"; readonly message: string };

const job: Decoder<UnpackJob> = object(
  {
    blob: string,
    target: string,
    maxSize: integer,
    maxRatio: integer,
    mounts: array(object({ destination: string }, { type: string, source: string, options: array(string) })),
  },
  {},
);
const start = object({ kind: literal("start"), job, executorSocket: string }, {});
const abort = object({ kind: literal("abort") }, {});

export const decodeWorkerRequest = (value: unknown): WorkerRequest =>
  isRecord(value) && value.kind === "abort" ? abort(value, "") : start(value, "");

const replies = {
  progress: object({ kind: literal("progress"), bytes: integer }, {}),
  done: object({ kind: literal("done"), digest: string, size: integer, fileSize: integer }, {}),
  failed: object({ kind: literal("failed"), message: string }, {}),
};

export function decodeWorkerReply(value: unknown): WorkerReply {
  const kind = literal("progress", "done", "failed")(isRecord(value) ? value.kind : undefined, "kind");
  return replies[kind](value, "");
}

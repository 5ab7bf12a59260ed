// Unpacks one layer blob onto a snapshot's mounts. Runs in a worker thread: everything here is CPU work and streams.
//
//   blob file -> decompress -> sha256 (the diffID) -> tar reader -> layer plan -> one executor process in its own mount namespace

import { createHash, type Hash } from "node:crypto";
import { type TarEntry, TarError } from "#formats/tar-entry.ts";
import { TarReader } from "#formats/tar-reader.ts";
import type { Executor, PlanStream } from "#kernel/plan/executor.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { readDecompressed } from "./decompress.ts";
import { type Hidden, LayerPlan } from "./layer-plan.ts";
import { planSnapshotMount, SNAPSHOT_ROOT } from "./mount-plan.ts";

export interface UnpackJob {
  readonly blob: string;
  readonly mounts: readonly Mount[];
  /** Where the snapshot is mounted, seen by the unpacking process only. */
  readonly target: string;
  /** Uncompressed bytes after which the layer is refused. */
  readonly maxSize: number;
}

export interface Unpacked {
  /** Digest of the uncompressed layer: its diffID. */
  readonly digest: string;
  readonly size: number;
  /** Bytes of the files and links in it: what Docker calls the size of a layer. */
  readonly fileSize: number;
}

export interface UnpackDeps {
  readonly executor: Pick<Executor, "openStream">;
  readonly onProgress: (compressedBytes: number) => void;
}

/** A layer whose whiteouts come too late is read twice. Rejects TarError for what no layer may hold, PlanError for what the kernel
 *  refuses; the tree is then half made and is the caller's to remove. */
export async function unpackLayer(deps: UnpackDeps, job: UnpackJob, signal: AbortSignal): Promise<Unpacked> {
  const first = await unpackOnce(deps, job, new Map(), signal);
  if (first.late.size === 0) return first.unpacked;
  const second = await unpackOnce(deps, job, first.late, signal);
  return second.unpacked;
}

async function unpackOnce(
  deps: UnpackDeps,
  job: UnpackJob,
  hidden: Hidden,
  signal: AbortSignal,
): Promise<{ readonly unpacked: Unpacked; readonly late: Hidden }> {
  await using stream = await deps.executor.openStream(signal);
  for (const op of planSnapshotMount(job.mounts, job.target)) await stream.write(op);
  const writer = new LayerWriter(stream, hidden);
  await writer.begin();
  for await (const chunk of readDecompressed(job.blob, deps.onProgress, signal)) {
    if (writer.size + chunk.length > job.maxSize)
      throw new TarError(`layer is larger than ${job.maxSize} bytes uncompressed`);
    await writer.write(chunk);
  }
  const unpacked = await writer.end();
  await stream.end();
  return { unpacked, late: writer.late };
}

/** What `ls` shows of files and symbolic links. */
const diskSize = ({ type, size, linkName }: TarEntry): number =>
  type === "symlink" ? Buffer.byteLength(linkName) : size;

class LayerWriter {
  size = 0;
  #fileSize = 0;
  readonly #stream: PlanStream;
  readonly #plan: LayerPlan;
  readonly #reader = new TarReader();
  readonly #hash: Hash = createHash("sha256");
  #skipping = false;

  constructor(stream: PlanStream, hidden: Hidden) {
    this.#stream = stream;
    this.#plan = new LayerPlan(SNAPSHOT_ROOT, hidden);
  }

  get late(): Hidden {
    return this.#plan.late;
  }

  async begin(): Promise<void> {
    for (const op of this.#plan.begin()) await this.#stream.write(op);
  }

  /** The digest covers every byte, also what follows the archive's end. */
  async write(chunk: Buffer): Promise<void> {
    this.size += chunk.length;
    this.#hash.update(chunk);
    for (const event of this.#reader.push(chunk)) {
      if (event.kind === "data") {
        if (!this.#skipping)
          await this.#stream.write({ op: "fileData", why: "layer content", data: event.data });
        continue;
      }
      this.#fileSize += diskSize(event.entry);
      const ops = this.#plan.entry(event.entry);
      this.#skipping = ops.at(-1)?.op !== "makeFile";
      for (const op of ops) await this.#stream.write(op);
    }
  }

  async end(): Promise<Unpacked> {
    this.#reader.finish();
    for (const op of this.#plan.end()) await this.#stream.write(op);
    return { digest: `sha256:${this.#hash.digest("hex")}`, size: this.size, fileSize: this.#fileSize };
  }
}

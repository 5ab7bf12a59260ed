// Unpacks one layer blob onto a snapshot's mounts. Runs in a worker thread: everything here is CPU work and streams.
//
//   blob file -> decompress -> sha256 (the diffID) -> tar reader -> layer plan -> one executor process in its own mount namespace

import { createHash, type Hash } from "node:crypto";
import { type TarEntry, TarError } from "#formats/tar-entry.ts";
import { TarReader } from "#formats/tar-reader.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { type TreeOp, TreeWriter } from "#kernel/trees/write.ts";
import { openSlot } from "#kernel/zygote/held.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { readDecompressed } from "./decompress.ts";
import { Inflation } from "./inflation.ts";
import { type Hidden, LayerPlan } from "./layer-plan.ts";
import { planSnapshotMount, SNAPSHOT_ROOT } from "./mount-plan.ts";

export interface UnpackJob {
  readonly blob: string;
  readonly mounts: readonly Mount[];
  /** Where the snapshot is mounted, seen by the unpacking process only. */
  readonly target: string;
  /** Uncompressed bytes after which the layer is refused. */
  readonly maxSize: number;
  /** How many times its compressed size it may have; 0 is any. */
  readonly maxRatio: number;
}

export interface Unpacked {
  /** Digest of the uncompressed layer: its diffID. */
  readonly digest: string;
  readonly size: number;
  /** Bytes of the files and links in it: what Docker calls the size of a layer. */
  readonly fileSize: number;
}

export interface UnpackDeps {
  readonly executor: Pick<Executor, "hold">;
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
  await using mounted = await deps.executor.hold(planSnapshotMount(job.mounts, job.target), signal);
  using root = openSlot(mounted.pid, SNAPSHOT_ROOT);
  using tree = new TreeWriter(root.fd);
  const writer = new LayerWriter(tree, hidden);
  const inflation = new Inflation({ ratio: job.maxRatio, path: job.blob });
  let compressed = 0;
  const onRead = (bytes: number): void => {
    compressed = bytes;
    deps.onProgress(bytes);
  };
  for await (const chunk of readDecompressed(job.blob, onRead, signal)) {
    inflation.check(compressed, writer.size + chunk.length);
    if (writer.size + chunk.length > job.maxSize)
      throw new TarError(`layer is larger than ${job.maxSize} bytes uncompressed`);
    writer.write(chunk);
  }
  return { unpacked: writer.end(), late: writer.late };
}

/** What `ls` shows of files and symbolic links. */
const diskSize = ({ type, size, linkName }: TarEntry): number =>
  type === "symlink" ? Buffer.byteLength(linkName) : size;

class LayerWriter {
  size = 0;
  #fileSize = 0;
  readonly #tree: TreeWriter;
  readonly #plan: LayerPlan;
  readonly #reader = new TarReader();
  readonly #hash: Hash = createHash("sha256");
  /** The content of a whiteout, if it has any. */
  #skipping = false;

  constructor(tree: TreeWriter, hidden: Hidden) {
    this.#tree = tree;
    this.#plan = new LayerPlan(hidden);
    this.#apply(this.#plan.begin());
  }

  get late(): Hidden {
    return this.#plan.late;
  }

  /** The digest covers every byte, also what follows the archive's end. */
  write(chunk: Buffer): void {
    this.size += chunk.length;
    this.#hash.update(chunk);
    for (const event of this.#reader.push(chunk)) {
      if (event.kind !== "entry") {
        if (!this.#skipping) this.#tree.content(event);
        continue;
      }
      this.#fileSize += diskSize(event.entry);
      const ops = this.#plan.entry(event.entry);
      this.#skipping = ops.at(-1)?.op !== "makeFile";
      this.#apply(ops);
    }
  }

  end(): Unpacked {
    this.#reader.finish();
    this.#apply(this.#plan.end());
    return { digest: `sha256:${this.#hash.digest("hex")}`, size: this.size, fileSize: this.#fileSize };
  }

  #apply(ops: readonly TreeOp[]): void {
    for (const op of ops) this.#tree.apply(op);
  }
}

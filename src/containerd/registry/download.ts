// One blob from a registry into the content store: resumed from the bytes on disk, verified by the store, tried again when it breaks off.

import { setTimeout as delay } from "node:timers/promises";
import { EngineError, invalid, isKind, systemError } from "#base/errors.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { ContentStore, ContentWriter } from "../content/content.ts";
import { errnoOf } from "../failures.ts";
import type { Labels, Scope } from "../scope.ts";
import { readChunks } from "./http-transport.ts";
import type { RepositoryChain } from "./repository-chain.ts";
import { type RetryPolicy, TransientError, withRetries } from "./retry.ts";

export type DownloadProgress =
  | { readonly kind: "downloading"; readonly current: number; readonly total: number }
  | { readonly kind: "verifying" }
  | { readonly kind: "retrying"; readonly seconds: number };

export interface DownloadDeps {
  readonly content: Pick<ContentStore, "abort" | "info" | "openWriter">;
  readonly repository: Pick<RepositoryChain, "openBlob">;
  readonly retry: RetryPolicy;
}

export interface BlobWanted {
  readonly scope: Scope;
  readonly descriptor: Descriptor;
  /** Name of the ingest; the same name goes on where an earlier download ended. */
  readonly ref: string;
  readonly labels: Labels;
}

/** Bytes are written in pieces of at least this size. */
const WRITE_SIZE = 512 * 1024;

/** Returns when the blob is in the store, whoever brought it there. Rejects `invalid` if the registry's bytes are not those of the
 *  digest; what has come before any other failure stays for the next download under the same `ref`. */
export async function downloadBlob(
  deps: DownloadDeps,
  wanted: BlobWanted,
  report: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await downloadTo(deps, wanted, report, signal);
  // Where bytes of an earlier download were wrong, those of this one may all be right.
  const final = outcome === "resumed wrong" ? await downloadTo(deps, wanted, report, signal) : outcome;
  if (final !== "done")
    throw invalid(`filesystem layer verification failed for digest ${wanted.descriptor.digest}`);
}

/** Bytes that are not those of the digest are forgotten; "resumed" if some of them were here before. */
async function downloadTo(
  deps: DownloadDeps,
  wanted: BlobWanted,
  report: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<"done" | "resumed wrong" | "wrong"> {
  await using writer = await openWriter(deps, wanted, signal);
  if (writer === undefined) return "done";
  const target = new DownloadTarget(writer, wanted.descriptor, report);
  try {
    await fill(deps, wanted, target, signal);
  } catch (error) {
    if (errnoOf(error) !== "ENOSPC") throw error;
    // What is here already must not keep the disk full.
    await forget(deps, wanted, writer);
    throw systemError(`write ${wanted.ref}: no space left on device`, { cause: error });
  }
  report({ kind: "verifying" });
  if (await commit(deps, wanted, writer)) return "done";
  return target.resumed ? "resumed wrong" : "wrong";
}

async function fill(
  deps: DownloadDeps,
  wanted: BlobWanted,
  target: DownloadTarget,
  signal: AbortSignal,
): Promise<void> {
  const onWait = (seconds: number): void => target.report({ kind: "retrying", seconds });
  try {
    let farthest = target.position;
    await withRetries({ policy: deps.retry, onWait, signal }, async (progressed) => {
      try {
        if (!target.complete) await downloadOnce(deps, wanted, target, signal);
      } finally {
        if (target.position > farthest) progressed();
        farthest = Math.max(farthest, target.position);
      }
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof TransientError)) throw error;
    throw systemError(`download failed after attempts=${deps.retry.attempts}: ${error.message}`, {
      cause: error,
    });
  }
}

/** The ingest's bytes cannot be gone on from. */
async function forget(
  { content }: DownloadDeps,
  { scope, ref }: BlobWanted,
  writer: ContentWriter,
): Promise<void> {
  await writer[Symbol.asyncDispose]();
  await content.abort(scope, ref).catch(() => undefined);
}

class DownloadTarget {
  position: number;
  /** Bytes of an earlier download are among those of this one. */
  resumed: boolean;
  readonly #writer: ContentWriter;
  readonly #total: number;
  readonly report: (progress: DownloadProgress) => void;
  #held: Buffer[] = [];
  #heldSize = 0;

  constructor(writer: ContentWriter, { size }: Descriptor, report: (progress: DownloadProgress) => void) {
    this.#writer = writer;
    this.#total = size;
    this.report = report;
    this.position = writer.offset;
    this.resumed = writer.offset > 0;
  }

  get complete(): boolean {
    return this.position === this.#total;
  }

  async startAt(offset: number): Promise<void> {
    if (offset === this.position) return;
    await this.#writer.truncate();
    this.position = 0;
    this.resumed = false;
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.position + this.#heldSize + chunk.length > this.#total)
      throw new EngineError("invalid", `registry sent more than the ${this.#total} bytes it had announced`);
    this.#held.push(chunk);
    this.#heldSize += chunk.length;
    if (this.#heldSize >= WRITE_SIZE) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#heldSize === 0) return;
    const chunk = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldSize = 0;
    await this.#writer.write(chunk);
    this.position += chunk.length;
    this.report({ kind: "downloading", current: this.position, total: this.#total });
  }
}

async function downloadOnce(
  deps: DownloadDeps,
  { descriptor }: BlobWanted,
  target: DownloadTarget,
  signal: AbortSignal,
): Promise<void> {
  const stream = await deps.repository.openBlob(descriptor.digest, target.position, signal);
  await target.startAt(stream.offset);
  try {
    for await (const chunk of readChunks(stream.body)) await target.write(chunk);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    // What came before a break is kept: the next attempt goes on after it.
    await target.flush();
  }
  if (!target.complete) throw new TransientError("unexpected EOF");
}

/** Undefined: the blob is there already. Another program's download of it is waited for. */
async function openWriter(
  { content }: DownloadDeps,
  { scope, descriptor, ref }: BlobWanted,
  signal: AbortSignal,
): Promise<ContentWriter | undefined> {
  for (;;) {
    signal.throwIfAborted();
    if (await hasBlob(content, scope, descriptor.digest)) return undefined;
    try {
      return await content.openWriter(scope, ref, descriptor);
    } catch (error) {
      if (isKind(error, "conflict")) return undefined;
      if (!isKind(error, "unavailable")) throw error;
    }
    await delay(200, undefined, { signal });
  }
}

/** Whether the blob is complete and visible in the scope's namespace. */
export async function hasBlob(
  content: Pick<ContentStore, "info">,
  scope: Scope,
  digest: string,
): Promise<boolean> {
  try {
    await content.info(scope, digest);
    return true;
  } catch (error) {
    if (isKind(error, "notFound")) return false;
    throw error;
  }
}

/** False if the bytes are not those of the digest: they are gone then. */
async function commit(deps: DownloadDeps, wanted: BlobWanted, writer: ContentWriter): Promise<boolean> {
  try {
    const { descriptor, labels } = wanted;
    await writer.commit(descriptor.size, descriptor.digest, labels);
    return true;
  } catch (error) {
    if (isKind(error, "conflict")) return true;
    if (!isKind(error, "invalid")) throw error;
    await forget(deps, wanted, writer);
    return false;
  }
}

// Files of the content store: blobs/sha256/<hex> are complete and verified, ingest/<name> grow.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "#formats/digest.ts";
import { errnoOf, missing } from "../failures.ts";

const readSize = 256 * 1024;

export class ContentFiles {
  readonly #blobs: string;
  readonly #ingests: string;

  constructor(root: string) {
    this.#blobs = join(root, "blobs", "sha256");
    this.#ingests = join(root, "ingest");
    for (const folder of [this.#blobs, this.#ingests]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  blob(digest: string): string {
    return join(this.#blobs, parseDigest(digest).encoded);
  }

  ingest(name: string): string {
    return join(this.#ingests, name);
  }

  ingestName(namespace: string, ref: string): string {
    return createHash("sha256").update(`${namespace}\0${ref}`).digest("hex");
  }

  ingestSize(name: string): { readonly size: number; readonly updated: number } {
    const stat = statSync(this.ingest(name), { throwIfNoEntry: false });
    return { size: stat?.size ?? 0, updated: stat?.mtimeMs ?? 0 };
  }

  /** Makes a finished ingest the blob. Synchronous, so that it and its row in the database appear together. */
  publish(name: string, digest: string): void {
    renameSync(this.ingest(name), this.blob(digest));
  }

  /** The blob is gone when this returns; freeing its disk space, slow for large files, takes longer. */
  removeBlob(digest: string): void {
    const gone = this.ingest(`gone-${parseDigest(digest).encoded}`);
    try {
      renameSync(this.blob(digest), gone);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return;
      throw error;
    }
    // What cannot be deleted now is swept at the next start.
    void rm(gone, { force: true }).catch(() => undefined);
  }

  removeIngest(name: string): void {
    rmSync(this.ingest(name), { force: true });
  }

  hasIngest(name: string): boolean {
    return existsSync(this.ingest(name));
  }

  /** Removes files that no row of the database knows: the process was killed before it was written, or after it was deleted. */
  sweep(isKnown: {
    readonly ingest: (name: string) => boolean;
    readonly blob: (digest: string) => boolean;
  }): void {
    for (const name of this.strangers(isKnown)) rmSync(name, { force: true, recursive: true });
  }

  /** Paths of the files that `isKnown` does not claim. */
  strangers(isKnown: Parameters<ContentFiles["sweep"]>[0]): readonly string[] {
    const ingests = readdirSync(this.#ingests).filter((name) => !isKnown.ingest(name));
    const blobs = readdirSync(this.#blobs).filter((name) => !isKnown.blob(`sha256:${name}`));
    return [
      ...ingests.map((name) => join(this.#ingests, name)),
      ...blobs.map((name) => join(this.#blobs, name)),
    ];
  }

  async *read(digest: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
    await using file = await openBlob(this.blob(digest), digest);
    let at = offset;
    const end = offset + size;
    while (at < end) {
      const buffer = Buffer.allocUnsafe(Math.min(readSize, end - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
}

async function openBlob(path: string, digest: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw missing(`content digest ${digest}`);
    throw error;
  }
}

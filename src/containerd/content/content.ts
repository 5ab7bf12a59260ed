// Blobs by digest, and the ingests they grow from.
// Life: openWriter(ref) -> write… -> commit(digest): visible to all. Uncommitted bytes stay on disk under the ref and a later
// openWriter with the same ref goes on after them (`offset`), also after a restart of the daemon.

import type { Descriptor } from "#spec/oci-image.ts";
import type { Labels, Scope } from "../scope.ts";

export interface BlobInfo {
  readonly digest: string;
  readonly size: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly labels: Labels;
}

export interface IngestStatus {
  readonly ref: string;
  readonly offset: number;
  readonly total: number;
  readonly expected: string;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

export interface ContentWriter extends AsyncDisposable {
  /** Bytes that the ingest already holds; the first write goes here. */
  readonly offset: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Start over: a registry that ignored the range request. */
  truncate(): Promise<void>;
  /** Verifies size (0: unknown) and digest ("" : any), makes the blob visible, returns its digest. Rejects `invalid`
   *  "unexpected commit digest …, expected …" or `conflict` (already exists). */
  commit(size: number, expected: string, labels: Labels): Promise<string>;
  /** Disposing without commit keeps the ingest for resuming. */
}

export interface ContentStore {
  info(scope: Scope, digest: string): Promise<BlobInfo>;
  /** In one step, so that nobody's labels are lost. `fields`: as for maskLabels; none of them is all. */
  update(scope: Scope, digest: string, labels: Labels, fields: readonly string[]): Promise<BlobInfo>;
  list(scope: Scope, filters: readonly string[]): AsyncIterable<BlobInfo>;
  delete(scope: Scope, digest: string): Promise<void>;
  /** `range` in bytes; the stream fails with notFound before its first chunk if the blob is unknown. */
  read(
    scope: Scope,
    digest: string,
    range?: { readonly offset: number; readonly size: number },
  ): AsyncIterable<Uint8Array>;
  /** One writer at a time for a ref: a second one rejects `unavailable`. */
  openWriter(
    scope: Scope,
    ref: string,
    expected?: Pick<Descriptor, "digest" | "size">,
  ): Promise<ContentWriter>;
  statuses(scope: Scope, filters: readonly string[]): Promise<readonly IngestStatus[]>;
  abort(scope: Scope, ref: string): Promise<void>;
}

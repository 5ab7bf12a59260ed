// Verifies the store: every record has its files and they are what it says, every reference leads somewhere, and no file is nobody's.

export type CheckedKind = "blob" | "database" | "file" | "image" | "ingest" | "lease" | "snapshot";

export interface Finding {
  readonly kind: CheckedKind;
  /** "" for files, which belong to all namespaces. */
  readonly namespace: string;
  /** A digest, key, name or path. */
  readonly name: string;
  readonly problem: string;
  /** What was done, or would be with `repair`; undefined if only a person can help. */
  readonly remedy?: string;
}

export interface CheckReport {
  readonly blobs: number;
  /** Of the blobs: all are read and hashed. */
  readonly bytes: number;
  readonly snapshots: number;
  readonly images: number;
  readonly leases: number;
  readonly ingests: number;
  readonly findings: readonly Finding[];
}

export interface StoreCheck {
  /** Work goes on meanwhile: what comes and goes during a check is no finding. */
  check(repair: boolean, signal: AbortSignal): Promise<CheckReport>;
}

// POST /gantry/check, ours: what a check of the store of images and snapshots came to.

import type { StoreCheck } from "#containerd/check/check.ts";

export interface StoreReport {
  readonly Checked: Readonly<
    Record<"Blobs" | "Bytes" | "Images" | "Ingests" | "Leases" | "Snapshots", number>
  >;
  readonly Findings: readonly {
    readonly Kind: string;
    /** "" for files. */
    readonly Namespace: string;
    readonly Name: string;
    readonly Problem: string;
    /** What mends it; "" if only a person can. */
    readonly Remedy: string;
    readonly Repaired: boolean;
  }[];
}

export async function checkStore(
  store: StoreCheck,
  repair: boolean,
  signal: AbortSignal,
): Promise<StoreReport> {
  const { blobs, bytes, snapshots, images, leases, ingests, findings } = await store.check(repair, signal);
  return {
    Checked: {
      Blobs: blobs,
      Bytes: bytes,
      Snapshots: snapshots,
      Images: images,
      Leases: leases,
      Ingests: ingests,
    },
    Findings: findings.map(({ kind, namespace, name, problem, remedy = "" }) => ({
      Kind: kind,
      Namespace: namespace,
      Name: name,
      Problem: problem,
      Remedy: remedy,
      Repaired: repair && remedy !== "",
    })),
  };
}

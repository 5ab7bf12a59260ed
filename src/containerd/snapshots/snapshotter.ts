// Directory trees that build on each other. prepare(key, parent) -> active -> commit(name) -> parent of others; view is read-only.

import type { Mount } from "#spec/oci-runtime.ts";
import type { Labels, Scope } from "../scope.ts";
import type { SnapshotterName } from "./snapshotter-name.ts";

export interface SnapshotInfo {
  readonly name: string;
  readonly parent: string;
  readonly kind: "view" | "active" | "committed";
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly labels: Labels;
}

export interface SnapshotUsage {
  readonly size: number;
  readonly inodes: number;
}

export interface Snapshotter {
  readonly name: SnapshotterName;
  stat(scope: Scope, key: string): Promise<SnapshotInfo>;
  /** In one step, so that nobody's labels are lost. `fields`: as for maskLabels; none of them is all. */
  update(scope: Scope, key: string, labels: Labels, fields: readonly string[]): Promise<SnapshotInfo>;
  usage(scope: Scope, key: string): Promise<SnapshotUsage>;
  mounts(scope: Scope, key: string): Promise<readonly Mount[]>;
  /** Rejects conflict if the key exists, notFound if the parent does not. */
  prepare(scope: Scope, key: string, parent: string, labels: Labels): Promise<readonly Mount[]>;
  view(scope: Scope, key: string, parent: string, labels: Labels): Promise<readonly Mount[]>;
  commit(scope: Scope, name: string, key: string, labels: Labels): Promise<void>;
  /** Returns when the name is free; the files go after that. Rejects `conflict` while it has children. */
  remove(scope: Scope, key: string): Promise<void>;
  list(scope: Scope, filters: readonly string[]): AsyncIterable<SnapshotInfo>;
}

// Container records: what a task is made from. No running state.

import type { Labels, Scope } from "../scope.ts";

/** google.protobuf.Any: type URL and bytes, passed through unread. */
export interface AnyValue {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export interface ContainerRecord {
  readonly id: string;
  readonly labels: Labels;
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: AnyValue };
  /** OCI config.json bytes, typeUrl "types.containerd.io/opencontainers/runtime-spec/1/Spec". */
  readonly spec?: AnyValue;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, AnyValue>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type ContainerCreate = Omit<ContainerRecord, "createdAt" | "updatedAt">;

export interface ContainerRecords {
  get(scope: Scope, id: string): Promise<ContainerRecord>;
  list(scope: Scope, filters: readonly string[]): Promise<readonly ContainerRecord[]>;
  create(scope: Scope, container: ContainerCreate): Promise<ContainerRecord>;
  update(scope: Scope, container: ContainerCreate, fields: readonly string[]): Promise<ContainerRecord>;
  delete(scope: Scope, id: string): Promise<void>;
}

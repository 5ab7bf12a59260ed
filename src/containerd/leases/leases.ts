import type { Labels, Scope } from "../scope.ts";

export interface Lease {
  readonly id: string;
  readonly createdAt: Date;
  readonly labels: Labels;
}

/** type: "content", "snapshots/overlayfs", "ingest". */
export interface LeaseResource {
  readonly id: string;
  readonly type: string;
}

export interface LeaseService {
  create(scope: Scope, id: string, labels: Labels): Promise<Lease>;
  delete(scope: Scope, id: string, sync: boolean): Promise<void>;
  list(scope: Scope, filters: readonly string[]): Promise<readonly Lease[]>;
  addResource(scope: Scope, id: string, resource: LeaseResource): Promise<void>;
  deleteResource(scope: Scope, id: string, resource: LeaseResource): Promise<void>;
  listResources(scope: Scope, id: string): Promise<readonly LeaseResource[]>;
}

import type { Labels } from "../scope.ts";

export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Labels;
}

export interface Namespaces {
  get(name: string): Promise<NamespaceRecord>;
  list(): Promise<readonly NamespaceRecord[]>;
  create(name: string, labels: Labels): Promise<NamespaceRecord>;
  update(name: string, labels: Labels, fields: readonly string[]): Promise<NamespaceRecord>;
  /** Rejects `conflict` ("failed precondition") unless empty. */
  delete(name: string): Promise<void>;
}

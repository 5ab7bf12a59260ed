import type { Labels } from "../scope.ts";

export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Labels;
}

export interface Namespaces {
  /** One that nobody has made yet has no labels: dockerd asks for them before it makes anything. */
  get(name: string): Promise<NamespaceRecord>;
  list(): Promise<readonly NamespaceRecord[]>;
  create(name: string, labels: Labels): Promise<NamespaceRecord>;
  /** Makes it if it is not there. */
  update(name: string, labels: Labels, fields: readonly string[]): Promise<NamespaceRecord>;
  /** Rejects `conflict` ("failed precondition") unless empty. */
  delete(name: string): Promise<void>;
}

// What the stores of one metadata database share.

import type { DatabaseSync } from "node:sqlite";
import type { ContainerdEvent } from "./events/messages.ts";
import type { LeaseResource } from "./leases/leases.ts";
import type { Scope } from "./scope.ts";

export interface Metadata {
  readonly database: DatabaseSync;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Makes the namespace exist, as any object made in it does. Throws `invalid` for a bad name. */
  readonly enterNamespace: (scope: Scope) => string;
  readonly publish: (scope: Scope, event: ContainerdEvent) => void;
  /** Keeps a new object from garbage collection: by the scope's lease, or for a while until something refers to it. */
  readonly keep: (scope: Scope, resource: LeaseResource) => void;
  /** Keeps an object that was found, by the scope's lease if that has one which exists: whoever found it makes it no more, and refers to it
   *  only later. */
  readonly keepFound: (scope: Scope, resource: LeaseResource) => void;
  /** References have changed: collect garbage soon. */
  readonly requestCollection: () => void;
}

// What every call carries in containerd's gRPC metadata.

export interface Scope {
  /** "moby" for dockerd, "default" for ctr. */
  readonly namespace: string;
  /** Objects made under a lease are kept from garbage collection while it lives. */
  readonly lease?: string;
}

export type Labels = Readonly<Record<string, string>>;

// Networks and the sandboxes (network namespaces) attached to them. Is given ids and names, knows no container.

import type { IdMaps } from "#spec/id-maps.ts";
import type { AddressUsage } from "./address-pool.ts";

export interface PortMapping {
  readonly proto: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  /** "" is every address of both families. */
  readonly hostIp: string;
  /** 0: an ephemeral one is chosen. `hostPortEnd` > hostPort: the first free one of the range. */
  readonly hostPort: number;
  readonly hostPortEnd?: number;
}

export interface BoundPort {
  readonly proto: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
}

export interface AttachRequest {
  /** 64 hex digits: names the netns file. */
  readonly sandboxId: string;
  /** "bridge"; "none" gives a namespace with loopback only. */
  readonly network: string;
  readonly endpointId: string;
  /** Name of the endpoint in messages: the container's. Default: the endpoint's id. */
  readonly endpointName?: string;
  readonly ports: readonly PortMapping[];
  readonly ipv4?: string;
  readonly macAddress?: string;
}

/** What inspect shows of an endpoint, and what /etc/hosts is made from. */
export interface Endpoint {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  readonly interfaceName: string;
  readonly ipv4: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly macAddress: string;
  readonly ports: readonly BoundPort[];
}

export interface Sandbox {
  readonly id: string;
  /** Path of the bound network namespace: the OCI spec joins it. */
  readonly path: string;
  readonly endpoint?: Endpoint;
}

/** A user namespace: one that is made with what it owns, or the one at a path. */
export type NamespaceOwner = { readonly maps: IdMaps } | { readonly path: string };

/** Paths of bound namespaces. */
export interface OwnedNamespace {
  readonly network: string;
  readonly user: string;
}

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly createdAt: Date;
  readonly subnet?: string;
  readonly gateway?: string;
  /** undefined: it gives none. */
  readonly addresses: AddressUsage | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly endpoints: readonly {
    readonly endpointId: string;
    readonly sandboxId: string;
    readonly ipv4: string;
    readonly prefixLength: number;
    readonly macAddress: string;
  }[];
}

export interface NetworkController extends AsyncDisposable {
  /** Makes a sandbox's namespace ahead of `attach` and returns its path: what joins it can be prepared meanwhile. `detach` removes it. */
  open(sandboxId: string, signal: AbortSignal): Promise<string>;
  /** The same, owned by a user namespace: what joins the one is to join the other. */
  openOwned(sandboxId: string, owner: NamespaceOwner, signal: AbortSignal): Promise<OwnedNamespace>;
  /** Makes the namespace unless it is open, connects it, publishes the ports. A failure leaves nothing but an open namespace. A port in use rejects `system` with Docker's words. */
  attach(request: AttachRequest, signal: AbortSignal): Promise<Sandbox>;
  /** Undoes attach; idempotent. The address and the ports are free when it returns; the namespace goes after that. */
  detach(sandboxId: string): Promise<void>;
  /** After a restart: keeps the sandboxes that live on, removes all others of this engine. */
  restore(live: readonly { readonly request: AttachRequest; readonly sandbox: Sandbox }[]): Promise<void>;
  /** Every trace of this engine's networks goes, the bridge with it; nothing can be attached after that. */
  removeAll(): Promise<void>;
  list(): readonly NetworkInfo[];
  get(nameOrId: string): NetworkInfo;
}

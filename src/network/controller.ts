// Networks and the sandboxes (network namespaces) attached to them. Is given ids and names, knows no container.

import type { IdMaps } from "#spec/id-maps.ts";
import type { NameSettings } from "./dns/names.ts";
import type { AddressUsage } from "./ipam/ipam-driver.ts";
import type { NetworkRecord, NetworkSpec } from "./network-spec.ts";

export interface PortMapping {
  readonly proto: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  /** "" is every address of both families. */
  readonly hostIp: string;
  /** 0: an ephemeral one is chosen. `hostPortEnd` > hostPort: the first free one of the range. */
  readonly hostPort: number;
  readonly hostPortEnd?: number;
  /** Ports from `containerPort` to this one: each from the port of the host that is as far behind `hostPort`. */
  readonly containerPortEnd?: number;
}

export interface BoundPort {
  readonly proto: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  readonly hostIp: string;
  /** 0: the port is reached by the container's own address only. */
  readonly hostPort: number;
  /** A range of ports, each to the one of the container that is as far in: both ends are there. */
  readonly containerPortEnd?: number;
  readonly hostPortEnd?: number;
}

/** How a sandbox is to be connected to one network. */
export interface EndpointRequest {
  /** Id or name of the network; "none" gives nothing but a loopback. */
  readonly network: string;
  readonly endpointId: string;
  /** Name of the endpoint in messages: the container's. Default: the endpoint's id. */
  readonly endpointName?: string;
  /** Addresses that are asked for, without a prefix length. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocal?: readonly string[];
  readonly macAddress?: string;
  /** What neighbours on the network find it by; the first one is what its address is looked up to. */
  readonly names?: readonly string[];
  /** Names of neighbours, by what this sandbox alone calls them. */
  readonly links?: Readonly<Record<string, string>>;
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** The network with the highest one gives the default gateway. */
  readonly gatewayPriority?: number;
}

export interface AttachRequest {
  /** 64 hex digits: names the netns file. */
  readonly sandboxId: string;
  readonly endpoints: readonly EndpointRequest[];
  /** Published on the network that gives the default gateway. */
  readonly ports: readonly PortMapping[];
  /** Ports that others may be told of: "80/tcp". */
  readonly exposed?: readonly string[];
  /** For the resolver that the sandbox has while a network gives it names. */
  readonly dns?: Omit<NameSettings, "mayAskOutside">;
}

/** What inspect shows of an endpoint, and what /etc/hosts is made from. What there is not is "" or 0. */
export interface Endpoint {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  readonly endpointName?: string;
  readonly interfaceName: string;
  /** Number of the interface in the sandbox; missing in records of before. */
  readonly interfaceIndex?: number;
  readonly ipv4: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly ipv6?: string;
  readonly ipv6PrefixLength?: number;
  readonly ipv6Gateway?: string;
  readonly linkLocal?: readonly string[];
  readonly macAddress: string;
  readonly names?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  readonly gatewayPriority?: number;
  /** Published through this network. */
  readonly ports: readonly BoundPort[];
}

export interface Sandbox {
  readonly id: string;
  /** Path of the bound network namespace: the OCI spec joins it. */
  readonly path: string;
  /** In the order of their claim to the default gateway. */
  readonly endpoints: readonly Endpoint[];
  /** What was asked for: published anew where another network gives the gateway. */
  readonly mappings?: readonly PortMapping[];
  readonly exposed?: readonly string[];
  readonly dns?: Omit<NameSettings, "mayAskOutside">;
}

/** A user namespace: one that is made with what it owns, or the one at a path. */
export type NamespaceOwner = { readonly maps: IdMaps } | { readonly path: string };

/** Paths of bound namespaces. */
export interface OwnedNamespace {
  readonly network: string;
  readonly user: string;
}

export interface PoolUsage extends AddressUsage {
  readonly subnet: string;
}

/** A network with what is on it now. */
export interface NetworkInfo extends NetworkRecord {
  readonly usage: readonly PoolUsage[];
  readonly endpoints: readonly (Endpoint & { readonly sandboxId: string })[];
}

export interface PortChange {
  readonly remove: readonly BoundPort[];
  readonly add: readonly PortMapping[];
  readonly mappings: readonly PortMapping[];
}

export interface NetworkController extends AsyncDisposable {
  /** Makes a network and keeps it. Rejects, with nothing made, in Docker's words. */
  create(spec: NetworkSpec, signal: AbortSignal): Promise<NetworkInfo>;
  /** Rejects `forbidden` while there are endpoints on it. */
  remove(nameOrId: string, signal: AbortSignal): Promise<NetworkInfo>;
  list(): readonly NetworkInfo[];
  get(nameOrId: string): NetworkInfo;
  /** undefined if there is none, or if the beginning of an id is that of several. */
  find(nameOrId: string): NetworkInfo | undefined;

  /** Makes a sandbox's namespace ahead of `attach` and returns its path: what joins it can be prepared meanwhile. `detach` removes it. */
  open(sandboxId: string, signal: AbortSignal): Promise<string>;
  /** The same, owned by a user namespace: what joins the one is to join the other. */
  openOwned(sandboxId: string, owner: NamespaceOwner, signal: AbortSignal): Promise<OwnedNamespace>;
  /** Makes the namespace unless it is open, connects it, publishes the ports. A failure leaves nothing but an open namespace. A port in use rejects `system` with Docker's words. */
  attach(request: AttachRequest, signal: AbortSignal): Promise<Sandbox>;
  /** Connects an attached sandbox to one more network; returns what the sandbox is then. A failure leaves it as it was. */
  connect(sandboxId: string, endpoint: EndpointRequest, signal: AbortSignal): Promise<Sandbox>;
  /** Undoes that for the network; what is published goes on through the network that gives the gateway then. */
  disconnect(sandboxId: string, networkId: string): Promise<Sandbox>;
  /** Gives endpoints other names, by their ids; returns what the sandbox is then. */
  rename(sandboxId: string, names: ReadonlyMap<string, readonly string[]>): Sandbox;
  /** Withdraws published ports of an attached sandbox, then publishes others; `mappings` is what is asked for altogether from now on. A failure leaves all as it was. */
  changePorts(sandboxId: string, change: PortChange): Promise<Sandbox>;
  /** Undoes attach; idempotent. Addresses and ports are free when it returns; the namespace goes after that. */
  detach(sandboxId: string): Promise<void>;
  /** After a restart: keeps the sandboxes that live on, removes all others of this engine. */
  restore(live: readonly Sandbox[]): Promise<void>;
  /** Every trace of this engine's networks goes, their bridges with them; nothing can be attached after that. */
  removeAll(): Promise<void>;
}

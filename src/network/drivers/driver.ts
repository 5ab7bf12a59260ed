// What makes networks of one kind.
//
//   create a network   prepare -> (pools, the record is saved) -> create -> open
//   the daemon starts  open, for each network that was saved
//   a sandbox starts   join, where another process makes endpoints; planLink, for each of them: all links are made by one plan, in one process
//   remove a network   close; also for one whose creation did not come to its end

import type { Plan } from "#kernel/plan/ops.ts";
import type { Endpoint } from "../controller.ts";
import type { NamespaceSockets } from "../namespace-sockets.ts";
import type { NetworkRecord, NetworkSpec } from "../network-spec.ts";
import type { LinkRoute } from "../sandbox-plan.ts";

/** An endpoint that another process is to make. */
export interface JoinRequest {
  readonly endpointId: string;
  /** Name of the endpoint in messages. */
  readonly endpointName: string;
  /** That it was given, with the lengths of their prefixes. */
  readonly addresses: readonly string[];
  /** "" if none was asked for. */
  readonly macAddress: string;
  /** Of the sandbox's namespace, which is there. */
  readonly path: string;
  /** For the endpoint, and for its sandbox, by the names of Docker's protocol. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly sandboxOptions: Readonly<Record<string, unknown>>;
}

/** What it has made of it. */
export interface Joined {
  /** There is an interface to be moved into the sandbox. */
  readonly hasLink: boolean;
  readonly interfacePrefix: string;
  /** Those that it has chosen. */
  readonly addresses: readonly string[];
  /** "": that of the interface. */
  readonly macAddress: string;
  /** "": none. */
  readonly gateway: string;
  readonly ipv6Gateway: string;
  readonly routes: readonly LinkRoute[];
}

/** What a network does whose endpoints another process makes. */
export interface Remote {
  /** Resolves when the process is there. */
  reach(signal: AbortSignal): Promise<void>;
  /** Comes before `planLink`; `leave` undoes it. A failure leaves nothing. */
  join(request: JoinRequest, signal: AbortSignal): Promise<Joined>;
  /** Takes the interface of an endpoint out of its sandbox, back to the host. Never rejects. */
  takeBack(endpointId: string): Promise<void>;
  /** The interface is out of the sandbox. Idempotent, and never rejects: what cannot be told now is told later. */
  leave(endpointId: string): Promise<void>;
  /** The endpoint is the one that leads out of its sandbox, and is so no more. */
  programExit(endpointId: string, options: JoinRequest["sandboxOptions"], signal: AbortSignal): Promise<void>;
  revokeExit(endpointId: string, signal: AbortSignal): Promise<void>;
  /** After a restart: the endpoints that live on. What was made for others is taken back, and told in the background. */
  adopt(endpointIds: readonly string[]): Promise<void>;
}

export interface LinkPlace {
  readonly endpoint: Endpoint;
  /** Number that the interface must have in the sandbox. */
  readonly interfaceIndex: number;
  /** Number for the other end of a pair. The kernel heeds that of the one end only if the other has one, too; without it the sandbox is new, and
   *  gives its interfaces the numbers that they must have by itself. */
  readonly hostIndex?: number;
  /** Counts from 0: a name on the host that was taken is not tried again. */
  readonly attempt: number;
  /** Host end of a removed endpoint with the same address whose interface is not gone yet. */
  readonly predecessor?: string;
}

/** How the interface gets there. Its addresses and routes are the caller's, and to set it up. */
export interface LinkPlan {
  /** Done in the host's network namespace, with the sandbox's open in SANDBOX_SLOT; the link is made there, with name, number and MAC address of
   *  the place. The operation that fails with EEXIST where a name on the host is taken has a `why` that starts with LINK_WHY. */
  readonly host: Plan;
  /** Name of the interface that stays on the host. */
  readonly hostName?: string;
  /** Removes what a failure may have left on the host. */
  readonly undo?: Plan;
  /** Neighbours may know another MAC address for its addresses: the kernel is to tell them when it comes up, and whenever its MAC address is set.
   *  This is run in the sandbox, and ends there, when it has its addresses. */
  readonly announcement?: Plan;
  /** There is a real network behind it, with routers that may announce themselves. */
  readonly acceptsRouters?: boolean;
  /** What is said when the link cannot be made, before the system's words. */
  readonly failure?: string;
}

/** One network, made. */
export interface DriverNetwork {
  /** Ports of the host can be published through it. */
  readonly publishes: boolean;
  /** Host address of ports that are published and name none; "" is the daemon's. */
  readonly hostBinding: string;
  /** Families in which published ports are reached by the containers' own addresses, and by none of the host. */
  readonly routed?: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** The host has no way to its containers: what is published is carried by the daemon, through these. */
  readonly sockets?: Pick<NamespaceSockets, "connect" | "datagrams">;
  /** Its endpoints have interfaces. */
  readonly hasLink: boolean;
  /** Prefix of the names of its interfaces in sandboxes: "eth". */
  readonly interfacePrefix: string;
  /** How packets for others leave a sandbox: by the gateway of the pool, by the link itself, or not at all. */
  readonly exit: "gateway" | "link" | "none";
  /** Of an endpoint, where it does not follow from the address. `wanted`: what was asked for. Throws if that cannot be. */
  readonly macAddress?: (wanted: string | undefined) => string;
  /** Its interfaces answer for their addresses until they are removed: a namespace that is left to the kernel takes too long. */
  readonly lingers?: boolean;
  planLink(place: LinkPlace): LinkPlan;
  /** Its endpoints are made by another process. */
  readonly remote?: Remote;
  /** Makes it what it should be, whatever happened to it. */
  repair(): Promise<void>;
  /** The daemon ends, and nothing is attached: takes down what only the next one would miss. */
  rest?(): Promise<void>;
  /** It is gone when this resolves. */
  close(): Promise<void>;
}

/** A subnet of a network as its driver is told of it. */
export interface PoolData {
  readonly addressSpace: string;
  readonly subnet: string;
  /** With the length of the prefix, as are auxiliary addresses. */
  readonly gateway?: string;
  readonly auxiliary: Readonly<Record<string, string>>;
}

export interface NetworkDriver {
  /** Address management of networks that name none; "none": it has no addresses at all. */
  readonly ipam: "default" | "null" | "none";
  /** Such a network needs an address of its own in each subnet. */
  needsGateway(spec: NetworkSpec): boolean;
  /** Looks, and makes nothing. Throws in Docker's words for a network that it cannot make. Returns what it must remember. */
  prepare(spec: NetworkSpec, id: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Throws `forbidden` for a network that does not go together with another of its own. */
  checkConflict(network: NetworkRecord, others: readonly NetworkRecord[]): void;
  /** What is done once in the life of a network. A failure leaves nothing. */
  create?(network: NetworkRecord, addresses: readonly PoolData[], signal: AbortSignal): Promise<void>;
  /** Another process has to be asked for what there may be of a network: the daemon's start does not wait for it. */
  readonly isElsewhere?: boolean;
  /** Makes it, or takes over what there is of it. A failure leaves nothing that was not there before. */
  open(network: NetworkRecord): Promise<DriverNetwork>;
  /** Removes what there may be of a network whose creation or removal did not come to its end. */
  clear(network: NetworkRecord): Promise<void>;
}

export const LINK_WHY = "link ";

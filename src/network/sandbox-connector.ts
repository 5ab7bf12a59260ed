// Connects sandboxes to networks and takes them off again: addresses, interfaces, routes, published ports.

import { systemError } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { adoptSandbox } from "./adopt-sandbox.ts";
import type { Attachment } from "./attachments.ts";
import { type Connection, connectSandbox } from "./connect-sandbox.ts";
import type { AttachRequest, Endpoint, EndpointRequest, PortChange, Sandbox } from "./controller.ts";
import { findExits } from "./endpoint-order.ts";
import { publicationsOf } from "./endpoint-values.ts";
import { ExitNotices } from "./exit-notices.ts";
import { FlowsOfBefore } from "./firewall/flows-of-before.ts";
import type { LiveNetwork } from "./live-network.ts";
import { NetworkClaims } from "./network-claims.ts";
import { placeLinks } from "./place-links.ts";
import {
  type Asked,
  orderEndpoints,
  type PlannedEndpoint,
  planEndpoints,
  planRoutes,
} from "./plan-endpoints.ts";
import { requestEndpoints } from "./request-endpoints.ts";
import { planDisconnection } from "./sandbox-plan.ts";
import { SandboxPorts, type SandboxPortsDeps } from "./sandbox-ports.ts";
import type { SandboxRemover } from "./sandbox-remover.ts";

export interface ConnectorDeps extends SandboxPortsDeps {
  readonly remover: SandboxRemover;
  readonly networkOf: (nameOrId: string) => LiveNetwork;
  /** Number of the first interface in a new namespace. */
  readonly firstIndex: number;
}

/** Where a sandbox's namespace is, or will be. */
export interface SandboxPlace {
  readonly id: string;
  readonly path: string;
  /** The namespace is there. */
  readonly isOpen: boolean;
}

const never = new AbortController().signal;

const addressesOf = (endpoints: readonly Endpoint[]): readonly string[] =>
  endpoints.flatMap(({ ipv4, ipv6 = "" }) => [ipv4, ipv6]).filter((address) => address !== "");

export class SandboxConnector {
  readonly #deps: ConnectorDeps;
  readonly #ports: SandboxPorts;
  readonly #flows: FlowsOfBefore;
  /** Interfaces that had an address until now and are not gone yet: by network and address. */
  readonly #leaving = new Map<string, string>();
  readonly #claims = new NetworkClaims();
  readonly #exits: ExitNotices;

  constructor(deps: ConnectorDeps) {
    this.#deps = deps;
    this.#ports = new SandboxPorts(deps);
    this.#flows = new FlowsOfBefore(deps);
    this.#exits = new ExitNotices(deps);
  }

  /** An endpoint is on the network, or about to be. */
  isUsed(networkId: string): boolean {
    return this.#claims.has(networkId) || this.#deps.attachments.endpointsOf(networkId).length > 0;
  }

  /** Packets for others leave the sandbox. */
  leadsOut(sandboxId: string): boolean {
    const attachment = this.#deps.attachments.find(sandboxId);
    const exits =
      attachment &&
      findExits(attachment.sandbox.endpoints, (endpoint) => this.#exitsByLink(attachment, endpoint));
    return exits?.ipv4 !== undefined || exits?.ipv6 !== undefined;
  }

  /** Somebody has to be told of the namespace before it has interfaces. */
  needsNamespace(request: AttachRequest): boolean {
    return request.endpoints.some(({ network }) => this.#deps.networkOf(network).driver.remote !== undefined);
  }

  async attach(place: SandboxPlace, request: AttachRequest, signal: AbortSignal): Promise<Sandbox> {
    await using undo = new AsyncDisposableStack();
    const { exposed = [], dns, ports } = request;
    const empty = {
      ...{ id: place.id, path: place.path },
      ...(ports.length > 0 && { mappings: ports }),
      ...(exposed.length > 0 && { exposed }),
      ...(dns !== undefined && { dns }),
    };
    const asked = this.#claim(request.endpoints, undo);
    const first = { present: [], nextIndex: this.#deps.firstIndex };
    const planned = planEndpoints(asked, await requestEndpoints(asked, empty, undo, signal), first);
    const bare = { ...empty, endpoints: planned.map(({ endpoint }) => endpoint) };
    const holdings = new Map(
      planned.map(({ endpoint, network, addresses }) => [endpoint.endpointId, { network, addresses }]),
    );
    const draft = await this.#ports.publish({ sandbox: bare, holdings }, undo);
    undo.defer(() => this.#forget(draft.sandbox));
    const made = await this.#connect(place, draft, planned, false);
    undo.move();
    this.#unclaim(asked);
    return made.sandbox;
  }

  async connect(sandboxId: string, request: EndpointRequest, signal: AbortSignal): Promise<Sandbox> {
    await using undo = new AsyncDisposableStack();
    const asked = this.#claim([request], undo);
    const given = await requestEndpoints(asked, this.#get(sandboxId).sandbox, undo, signal);
    // Plugins take their time: it may be another by now, or gone.
    const before = this.#get(sandboxId);
    const present = before.sandbox.endpoints;
    const numbers = present.map(({ interfaceIndex = 0 }) => interfaceIndex);
    const nextIndex = Math.max(this.#deps.firstIndex - 1, ...numbers) + 1;
    const planned = planEndpoints(asked, given, { present, nextIndex });
    const holdings = new Map(before.holdings);
    for (const { endpoint, network, addresses } of planned)
      holdings.set(endpoint.endpointId, { network, addresses });
    const endpoints = orderEndpoints(
      [...present, ...planned.map(({ endpoint }) => endpoint)],
      ({ endpointId, networkId }) => holdings.get(endpointId)?.network ?? this.#deps.networkOf(networkId),
    );
    const draft = await this.#ports.move({ sandbox: { ...before.sandbox, endpoints }, holdings }, undo);
    const old = new Set(present.flatMap(({ ports }) => ports));
    const fresh = draft.sandbox.endpoints.flatMap(publicationsOf).filter(({ port }) => !old.has(port));
    // In this order, and before the ports are put back.
    undo.defer(() => this.#deps.attachments.set(before));
    undo.defer(() => this.#deps.rules.unpublish(fresh));
    const place = { id: sandboxId, path: before.sandbox.path, isOpen: true };
    const made = await this.#connect(place, draft, planned, true);
    undo.move();
    this.#unclaim(asked);
    return made.sandbox;
  }

  rename(sandboxId: string, names: ReadonlyMap<string, readonly string[]>): Sandbox {
    const { sandbox, holdings } = this.#get(sandboxId);
    const endpoints = sandbox.endpoints.map((endpoint) => {
      const others = names.get(endpoint.endpointId);
      return others === undefined ? endpoint : { ...endpoint, names: others };
    });
    const renamed = { ...sandbox, endpoints };
    this.#deps.attachments.set({ sandbox: renamed, holdings });
    return renamed;
  }

  async disconnect(sandboxId: string, networkId: string): Promise<Sandbox> {
    const before = this.#get(sandboxId);
    const { sandbox } = before;
    const leaving = sandbox.endpoints.find((endpoint) => endpoint.networkId === networkId);
    if (leaving === undefined)
      throw systemError(`sandbox ${sandboxId} is not connected to network ${networkId}`);
    const holding = before.holdings.get(leaving.endpointId);
    const holdings = new Map(before.holdings);
    holdings.delete(leaving.endpointId);
    const endpoints = sandbox.endpoints.filter((endpoint) => endpoint !== leaving);
    const after = { sandbox: { ...sandbox, endpoints }, holdings };
    const remote = holding?.network.driver.remote;
    await this.#exits.leave(sandboxId, leaving.endpointId);
    await using undo = new AsyncDisposableStack();
    await this.#ports.withdraw(before, leaving, undo);
    await remote?.takeBack(leaving.endpointId);
    const link = {
      ...(remote === undefined && { index: leaving.interfaceIndex ?? 0 }),
      ...(holding?.hostName !== undefined && { hostName: holding.hostName }),
    };
    const routes = planRoutes(endpoints, (endpoint) => this.#exitsByLink(after, endpoint));
    await this.#deps.executor.run(planDisconnection(sandbox.path, link, routes), never);
    undo.move();
    holding?.published?.close();
    await remote?.leave(leaving.endpointId);
    await holding?.network.release(holding.addresses);
    this.#flows.forget(addressesOf([leaving]));
    this.#deps.attachments.set(after);
    const left = leaving.ports.length === 0 ? after : await this.#ports.publishAgain(after);
    await this.#exits.updateAfterAll(sandboxId);
    return left.sandbox;
  }

  /** Whose networks are made by other processes are told which endpoint leads out. A failure is for the caller to undo all by. */
  async tellExit(sandboxId: string, signal: AbortSignal): Promise<void> {
    await this.#exits.update(sandboxId, signal);
  }

  async changePorts(sandboxId: string, change: PortChange): Promise<Sandbox> {
    return (await this.#ports.change(this.#get(sandboxId), change)).sandbox;
  }

  /** The rules, ports and addresses are free when it resolves. */
  async detach(sandboxId: string): Promise<boolean> {
    const attachment = this.#deps.attachments.take(sandboxId);
    if (attachment === undefined) return false;
    await this.#exits.leave(sandboxId);
    const { sandbox, holdings } = attachment;
    try {
      await this.#deps.rules.unpublish(sandbox.endpoints.flatMap(publicationsOf));
    } finally {
      await this.#giveBack(sandbox, holdings);
    }
    return true;
  }

  /** Nobody else would: the sandbox is forgotten, so that a second `detach` does nothing. */
  async #giveBack(sandbox: Sandbox, holdings: Attachment["holdings"]): Promise<void> {
    await this.#removeLingering(sandbox, holdings);
    const left = new Map<string, string>();
    for (const { endpointId, networkId, ipv4 } of sandbox.endpoints) {
      const holding = holdings.get(endpointId);
      holding?.published?.close();
      if (holding?.hostName !== undefined) left.set(`${networkId} ${ipv4}`, holding.hostName);
      await holding?.network.driver.remote?.leave(endpointId);
      await holding?.network.release(holding.addresses);
    }
    for (const [key, hostName] of left) this.#leaving.set(key, hostName);
    this.#flows.forget(addressesOf(sandbox.endpoints));
    this.#deps.remover.removeLater({ path: sandbox.path, hostNames: [...left.values()] }, () => {
      for (const [key, hostName] of left) if (this.#leaving.get(key) === hostName) this.#leaving.delete(key);
    });
  }

  async #removeLingering({ path, endpoints }: Sandbox, holdings: Attachment["holdings"]): Promise<void> {
    for (const { endpointId, interfaceIndex: index } of endpoints) {
      await holdings.get(endpointId)?.network.driver.remote?.takeBack(endpointId);
      if (index === undefined || holdings.get(endpointId)?.network.driver.lingers !== true) continue;
      try {
        await this.#deps.executor.run(planDisconnection(path, { index }, []), never);
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        this.#deps.warn(`an interface in ${path} is left to the kernel: ${error.message}`);
      }
    }
  }

  /** After a restart. `hostNameOf`: the interface of the host that belongs to an endpoint of ours. */
  async adopt(sandbox: Sandbox, hostNameOf: (endpoint: Endpoint) => string | undefined): Promise<void> {
    await adoptSandbox(this.#deps, sandbox, hostNameOf);
    this.#exits.adopt(sandbox.id);
  }

  /** The networks cannot be removed until the endpoints are there, or this is undone. */
  #claim(requests: readonly EndpointRequest[], undo: AsyncDisposableStack): readonly Asked[] {
    const asked = requests.map((request) => ({ network: this.#deps.networkOf(request.network), request }));
    this.#claims.add(asked.map(({ network }) => network));
    undo.defer(() => this.#unclaim(asked));
    return asked;
  }

  #unclaim(asked: readonly Asked[]): void {
    this.#claims.release(asked.map(({ network }) => network));
  }

  #exitsByLink({ holdings }: Attachment, { endpointId }: Endpoint): boolean {
    return holdings.get(endpointId)?.network.driver.exit === "link";
  }

  async #forget(sandbox: Sandbox): Promise<void> {
    this.#deps.attachments.take(sandbox.id);
    await this.#deps.rules.unpublish(sandbox.endpoints.flatMap(publicationsOf));
  }

  /** Makes the interfaces of the endpoints that are planned. Returns what the sandbox is then. */
  async #connect(
    place: SandboxPlace,
    draft: Attachment,
    planned: readonly PlannedEndpoint[],
    isRunning: boolean,
  ): Promise<Attachment> {
    let made = draft;
    for (const { endpoint } of planned) await this.#flows.gone([endpoint.ipv4, endpoint.ipv6 ?? ""]);
    const attempt = (count: number): Connection => {
      const predecessorOf = ({ networkId, ipv4 }: Endpoint) => this.#leaving.get(`${networkId} ${ipv4}`);
      const placed = placeLinks(draft, planned, { attempt: count, isRunning, predecessorOf });
      made = placed.attachment;
      this.#deps.attachments.set(made);
      const ids = new Set(planned.map(({ endpoint }) => endpoint.endpointId));
      return {
        ...place,
        isRunning,
        links: placed.links,
        routes: planRoutes(made.sandbox.endpoints, (endpoint) => this.#exitsByLink(made, endpoint)),
        publications: made.sandbox.endpoints
          .filter(({ endpointId }) => ids.has(endpointId))
          .flatMap(publicationsOf),
      };
    };
    await connectSandbox(this.#deps, attempt, async () => {
      for (const { network } of planned) await network.driver.repair();
    });
    return made;
  }

  #get(sandboxId: string): Attachment {
    const attachment = this.#deps.attachments.find(sandboxId);
    if (attachment === undefined) throw systemError(`sandbox ${sandboxId} is not attached`);
    return attachment;
  }
}

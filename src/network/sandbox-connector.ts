// Connects sandboxes to networks and takes them off again: addresses, interfaces, routes, published ports.

import { randomInt } from "node:crypto";
import { EngineError, systemError } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { Attachment, Holding } from "./attachments.ts";
import { type Connection, connectSandbox } from "./connect-sandbox.ts";
import type { AttachRequest, Endpoint, EndpointRequest, PortChange, Sandbox } from "./controller.ts";
import { findExits } from "./endpoint-order.ts";
import { publicationsOf, targetOf } from "./endpoint-values.ts";
import { FlowsOfBefore } from "./firewall/flows-of-before.ts";
import type { LiveNetwork } from "./live-network.ts";
import {
  type Asked,
  orderEndpoints,
  type Place,
  type PlannedEndpoint,
  planEndpoints,
  planRoutes,
} from "./plan-endpoints.ts";
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

/** A link number that something in the sandbox has taken is passed by widely. */
const NUMBER_STEP = 101;
/** The kernel gives numbers from 1 on: nobody has those from here on but pairs of ours. */
const HOST_INDEX = 2 ** 29;

const never = new AbortController().signal;

export class SandboxConnector {
  readonly #deps: ConnectorDeps;
  readonly #ports: SandboxPorts;
  readonly #flows: FlowsOfBefore;
  /** Interfaces that had an address until now and are not gone yet: by network and address. */
  readonly #leaving = new Map<string, string>();
  /** How many endpoints are being made on a network. */
  readonly #claims = new Map<string, number>();

  constructor(deps: ConnectorDeps) {
    this.#deps = deps;
    this.#ports = new SandboxPorts(deps);
    this.#flows = new FlowsOfBefore(deps);
  }

  /** An endpoint is on the network, or about to be. */
  isUsed(networkId: string): boolean {
    return (this.#claims.get(networkId) ?? 0) > 0 || this.#deps.attachments.endpointsOf(networkId).length > 0;
  }

  /** Packets for others leave the sandbox. */
  leadsOut(sandboxId: string): boolean {
    const attachment = this.#deps.attachments.find(sandboxId);
    const exits =
      attachment &&
      findExits(attachment.sandbox.endpoints, (endpoint) => this.#exitsByLink(attachment, endpoint));
    return exits?.ipv4 !== undefined || exits?.ipv6 !== undefined;
  }

  async attach(place: SandboxPlace, request: AttachRequest): Promise<Sandbox> {
    await using undo = new AsyncDisposableStack();
    const asked = this.#claim(request.endpoints, undo);
    const planned = await this.#plan(asked, { present: [], nextIndex: this.#deps.firstIndex }, undo);
    const bare = {
      id: place.id,
      path: place.path,
      endpoints: planned.map(({ endpoint }) => endpoint),
      ...(request.ports.length > 0 && { mappings: request.ports }),
      ...(request.dns !== undefined && { dns: request.dns }),
    };
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

  async connect(sandboxId: string, request: EndpointRequest): Promise<Sandbox> {
    const before = this.#get(sandboxId);
    await using undo = new AsyncDisposableStack();
    const asked = this.#claim([request], undo);
    const present = before.sandbox.endpoints;
    const numbers = present.map(({ interfaceIndex = 0 }) => interfaceIndex);
    const nextIndex = Math.max(this.#deps.firstIndex - 1, ...numbers) + 1;
    const planned = await this.#plan(asked, { present, nextIndex }, undo);
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
    await this.#deps.rules.unpublish(publicationsOf(leaving));
    const link = {
      index: leaving.interfaceIndex ?? 0,
      ...(holding?.hostName !== undefined && { hostName: holding.hostName }),
    };
    const routes = planRoutes(endpoints, (endpoint) => this.#exitsByLink(after, endpoint));
    await this.#deps.executor.run(planDisconnection(sandbox.path, link, routes), never);
    holding?.published?.close();
    await holding?.network.release(holding.addresses);
    this.#deps.attachments.set(after);
    if (leaving.ports.length === 0) return after.sandbox;
    return (await this.#ports.publishAgain(after)).sandbox;
  }

  async changePorts(sandboxId: string, change: PortChange): Promise<Sandbox> {
    return (await this.#ports.change(this.#get(sandboxId), change)).sandbox;
  }

  /** The rules, ports and addresses are free when it resolves. */
  async detach(sandboxId: string): Promise<boolean> {
    const attachment = this.#deps.attachments.take(sandboxId);
    if (attachment === undefined) return false;
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
      await holding?.network.release(holding.addresses);
    }
    for (const [key, hostName] of left) this.#leaving.set(key, hostName);
    const addresses = sandbox.endpoints
      .flatMap(({ ipv4, ipv6 = "" }) => [ipv4, ipv6])
      .filter((address) => address !== "");
    this.#flows.forget(addresses);
    this.#deps.remover.removeLater({ path: sandbox.path, hostNames: [...left.values()] }, () => {
      for (const [key, hostName] of left) if (this.#leaving.get(key) === hostName) this.#leaving.delete(key);
    });
  }

  async #removeLingering({ path, endpoints }: Sandbox, holdings: Attachment["holdings"]): Promise<void> {
    for (const { endpointId, interfaceIndex: index } of endpoints) {
      if (index === undefined || holdings.get(endpointId)?.network.driver.lingers !== true) continue;
      try {
        await this.#deps.executor.run(planDisconnection(path, { index }, []), never);
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        this.#deps.warn(`an interface in ${path} is left to the kernel: ${error.message}`);
      }
    }
  }

  /** After a restart. `hostNames`: interfaces of the host that belong to an endpoint of ours. */
  async adopt(sandbox: Sandbox, hostNameOf: (endpoint: Endpoint) => string | undefined): Promise<void> {
    const holdings = new Map<string, Holding>();
    for (const endpoint of sandbox.endpoints) {
      const network = this.#findNetwork(endpoint);
      if (network === undefined) continue;
      const addresses = await this.#retake(sandbox, endpoint, network);
      const published = await this.#deps.ports.republish(endpoint.ports, targetOf(endpoint));
      const hostName = hostNameOf(endpoint);
      holdings.set(endpoint.endpointId, {
        ...{ network, addresses, published },
        ...(hostName !== undefined && { hostName }),
      });
    }
    this.#deps.attachments.set({ sandbox, holdings });
  }

  #findNetwork({ networkId, networkName }: Endpoint): LiveNetwork | undefined {
    try {
      return this.#deps.networkOf(networkId);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#deps.warn(`network ${networkName} (${networkId}) is gone, and a running sandbox is on it`);
      return undefined;
    }
  }

  async #retake(sandbox: Sandbox, { ipv4, ipv6 = "" }: Endpoint, network: LiveNetwork) {
    const addresses = [];
    for (const address of [ipv4, ipv6].filter((text) => text !== "")) {
      const given = await network.retake(address);
      if (given !== undefined) addresses.push(given);
      else
        this.#deps.warn(
          `sandbox ${sandbox.id} has the address ${address}, which network ${network.record.name} does not offer`,
        );
    }
    return addresses;
  }

  /** The networks cannot be removed until the endpoints are there, or this is undone. */
  #claim(requests: readonly EndpointRequest[], undo: AsyncDisposableStack): readonly Asked[] {
    const asked = requests.map((request) => ({ network: this.#deps.networkOf(request.network), request }));
    for (const { network } of asked)
      this.#claims.set(network.record.id, (this.#claims.get(network.record.id) ?? 0) + 1);
    undo.defer(() => this.#unclaim(asked));
    return asked;
  }

  #unclaim(asked: readonly Asked[]): void {
    for (const { network } of asked) {
      const left = (this.#claims.get(network.record.id) ?? 1) - 1;
      if (left > 0) this.#claims.set(network.record.id, left);
      else this.#claims.delete(network.record.id);
    }
  }

  async #plan(
    asked: readonly Asked[],
    place: Place,
    undo: AsyncDisposableStack,
  ): Promise<readonly PlannedEndpoint[]> {
    const addresses = [];
    for (const { network, request } of asked) {
      const given = await network.allocate(request);
      undo.defer(() => network.release(given));
      addresses.push(given);
    }
    return planEndpoints(asked, addresses, place);
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
      const placed = this.#place(draft, planned, { attempt: count, isRunning });
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

  /** The links of one attempt, and what the sandbox is if it succeeds. */
  #place(
    draft: Attachment,
    planned: readonly PlannedEndpoint[],
    { attempt, isRunning }: { readonly attempt: number; readonly isRunning: boolean },
  ) {
    const shift = isRunning ? attempt * NUMBER_STEP : 0;
    const holdings = new Map(draft.holdings);
    let { endpoints } = draft.sandbox;
    const links = planned
      .filter(({ network }) => network.driver.hasLink)
      .map(({ network, endpoint: { endpointId, interfaceIndex = 0 }, sysctls, addresses }) => {
        const index = interfaceIndex + shift;
        endpoints = endpoints.map((other) =>
          other.endpointId === endpointId ? { ...other, interfaceIndex: index } : other,
        );
        const endpoint = endpoints.find((other) => other.endpointId === endpointId);
        const holding = holdings.get(endpointId);
        if (endpoint === undefined || holding === undefined) throw new Error(`no endpoint ${endpointId}`);
        const predecessor = this.#leaving.get(`${endpoint.networkId} ${endpoint.ipv4}`);
        const { host, hostName, failure, acceptsRouters, announces, undo } = network.driver.planLink({
          ...{ endpoint, interfaceIndex: index, attempt },
          ...(isRunning && { hostIndex: randomInt(HOST_INDEX, 2 * HOST_INDEX) }),
          ...(predecessor !== undefined && { predecessor }),
        });
        holdings.set(endpointId, { ...holding, ...(hostName !== undefined && { hostName }) });
        return {
          ...{ index, name: endpoint.interfaceName, host, sysctls },
          addresses: [...addresses.map(({ address }) => address), ...linkLocalOf(endpoint)],
          ...(hostName !== undefined && { hostName }),
          ...(failure !== undefined && { failure }),
          ...(undo !== undefined && { undo }),
          ...(announces !== undefined && { announces }),
          ...(acceptsRouters !== undefined && { acceptsRouters }),
        };
      });
    return { links, attachment: { sandbox: { ...draft.sandbox, endpoints }, holdings } };
  }

  #get(sandboxId: string): Attachment {
    const attachment = this.#deps.attachments.find(sandboxId);
    if (attachment === undefined) throw systemError(`sandbox ${sandboxId} is not attached`);
    return attachment;
  }
}

/** As Docker programs them: of a prefix of 16 bits, IPv6's of 64. */
const linkLocalOf = ({ linkLocal = [] }: Endpoint): readonly string[] =>
  linkLocal.map((address) => (address.includes(":") ? `${address}/64` : `${address}/16`));

// The networks of one engine on this host: "bridge", "host" and "none", and the sandboxes attached to them.

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, invalid, systemError, unsupported } from "#base/errors.ts";
import { contains, formatIpv4, formatSubnet, parseIpv4 } from "#formats/ipv4.ts";
import type { Link } from "#formats/rtnetlink/links.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import type { AddressPool } from "./address-pool.ts";
import { Bridge, readGeneration } from "./bridge.ts";
import { bridgeOptions, openPool } from "./bridge-description.ts";
import { readSurvey, surveyPlan } from "./bridge-survey.ts";
import type { AttachRequest, Endpoint, NetworkController, NetworkInfo, Sandbox } from "./controller.ts";
import { macOf, publicationsOf, vethNames } from "./endpoint-values.ts";
import { getNetwork, networkMissing } from "./find-network.ts";
import { type NetworkIdentity, readIdentities } from "./network-ids.ts";
import type { PortPublisher, PublishedPorts } from "./ports/publish.ts";
import { type Publication, planPublish, planUnpublish } from "./rules.ts";
import {
  INTERFACE_NAME,
  planBridgedSandbox,
  planIsolatedSandbox,
  planLinkRemoval,
  planRules,
} from "./sandbox-plan.ts";
import { SandboxRemover } from "./sandbox-remover.ts";

export interface NetworkSettings {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Name of the default bridge; "none": there is no default bridge. */
  readonly bridge: string;
  readonly bip?: string;
  /** Subnet of the bridge's that addresses are chosen from. */
  readonly fixedCidr?: string;
  readonly mtu: number;
}

export interface NetworkDeps {
  readonly executor: Executor;
  readonly ports: PortPublisher;
  readonly warn: (message: string) => void;
}

/** Everything that one attached sandbox holds. */
interface Attachment {
  readonly sandbox: Sandbox;
  readonly networkName: string;
  readonly hostName?: string;
  readonly published?: PublishedPorts;
}

const NETWORKS = ["bridge", "host", "none"];
/** What a plan is given when it must run to its end whoever waits for it. */
const never = new AbortController().signal;

export class LocalNetworkController implements NetworkController {
  readonly #deps: NetworkDeps;
  readonly #settings: NetworkSettings;
  readonly #identities: ReadonlyMap<string, NetworkIdentity>;
  readonly #attachments = new Map<string, Attachment>();
  /** Namespaces made ahead of `attach`, by sandbox. */
  readonly #open = new Set<string>();
  readonly #remover: SandboxRemover;
  /** Interfaces that had an address until now and are not gone yet. */
  readonly #leaving = new Map<string, string>();
  readonly #bridge: Bridge | undefined;
  readonly #pool: AddressPool;

  private constructor(
    deps: NetworkDeps,
    settings: NetworkSettings,
    bridge: Bridge | undefined,
    identities: ReadonlyMap<string, NetworkIdentity>,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#bridge = bridge;
    this.#identities = identities;
    this.#remover = new SandboxRemover(deps);
    this.#pool = openPool(bridge, settings.fixedCidr);
  }

  /** Makes the bridge. `restore` comes next, before anything is attached. */
  static async open(
    deps: NetworkDeps,
    settings: NetworkSettings,
    signal: AbortSignal,
  ): Promise<LocalNetworkController> {
    await mkdir(join(settings.execRoot, "netns"), { recursive: true, mode: 0o755 });
    const identities = readIdentities(settings.dataRoot, NETWORKS);
    const controllers: LocalNetworkController[] = [];
    const publications = (): readonly Publication[] =>
      controllers.flatMap((controller) => controller.#publications());
    const bridge =
      settings.bridge === "none"
        ? undefined
        : await Bridge.open(deps.executor, { ...settings, name: settings.bridge }, publications, signal);
    const controller = new LocalNetworkController(deps, settings, bridge, identities);
    controllers.push(controller);
    return controller;
  }

  async open(sandboxId: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const path = this.#pathOf(sandboxId);
    this.#open.add(sandboxId); // also while it is being made: detach must find what a failure left
    await this.#deps.executor.run(planIsolatedSandbox(path), never);
    return path;
  }

  async attach(request: AttachRequest, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    if (this.#attachments.has(request.sandboxId))
      throw systemError(`sandbox ${request.sandboxId} is attached already`);
    const { network } = request;
    // As dockerd with --bridge=none: who asks for nothing special gets nothing.
    if (network === "none" || (network === "bridge" && this.#bridge === undefined))
      return await this.#attachNone(request);
    if (network !== "bridge" || this.#bridge === undefined) throw networkMissing(network);
    return await this.#attachBridge(this.#bridge, request);
  }

  async #attachNone(request: AttachRequest): Promise<Sandbox> {
    const path = this.#pathOf(request.sandboxId);
    const sandbox = { id: request.sandboxId, path };
    this.#attachments.set(sandbox.id, { sandbox, networkName: "none" });
    if (this.#open.delete(sandbox.id)) return sandbox;
    try {
      await this.#deps.executor.run(planIsolatedSandbox(path), never);
    } catch (error) {
      this.#attachments.delete(sandbox.id);
      await this.#remover.removeNow([path]);
      throw error;
    }
    return sandbox;
  }

  async #attachBridge(bridge: Bridge, request: AttachRequest): Promise<Sandbox> {
    await using undo = new AsyncDisposableStack();
    const address = this.#allocate(request);
    undo.defer(() => this.#pool.release(address));
    const ipv4 = formatIpv4(address);
    const published = await this.#publish(request, ipv4);
    undo.defer(() => published.close());
    const endpoint: Endpoint = {
      networkId: this.#identity("bridge").id,
      networkName: "bridge",
      endpointId: request.endpointId,
      interfaceName: INTERFACE_NAME,
      ipv4,
      prefixLength: bridge.gateway.prefixLength,
      gateway: formatIpv4(bridge.gateway.address),
      macAddress: request.macAddress ?? macOf(address),
      ports: published.ports,
    };
    const sandbox: Sandbox = { id: request.sandboxId, path: this.#pathOf(request.sandboxId), endpoint };
    undo.defer(async () => {
      this.#attachments.delete(sandbox.id);
      await this.#unpublish(endpoint);
    });
    await this.#connect(bridge, sandbox, { endpoint, published });
    this.#open.delete(sandbox.id);
    undo.move();
    return sandbox;
  }

  #allocate(request: AttachRequest): number {
    const wanted = request.ipv4 === undefined ? undefined : parseIpv4(request.ipv4);
    const take = (): number | undefined =>
      wanted === undefined ? this.#pool.allocate() : this.#pool.take(wanted) ? wanted : undefined;
    const address = take();
    if (address !== undefined) return address;
    if (wanted !== undefined) throw systemError("Address already in use");
    throw systemError(
      `no available IPv4 addresses on this network's address pools: bridge (${this.#identity("bridge").id})`,
    );
  }

  async #publish(request: AttachRequest, ipv4: string): Promise<PublishedPorts> {
    try {
      return await this.#deps.ports.publish(request.ports, ipv4);
    } catch (error) {
      if (!(error instanceof EngineError) || error.kind !== "system") throw error;
      const name = request.endpointName ?? request.endpointId;
      throw systemError(
        `driver failed programming external connectivity on endpoint ${name} (${request.endpointId}): ${error.message}`,
        { cause: error },
      );
    }
  }

  /** Runs the plan; once more after a repair when bridge or rules were gone, or with another name for the veth. */
  async #connect(
    bridge: Bridge,
    sandbox: Sandbox,
    made: { readonly endpoint: Endpoint; readonly published: PublishedPorts },
  ): Promise<void> {
    const { endpoint, published } = made;
    let repaired = false;
    for (const hostName of vethNames(endpoint.endpointId)) {
      // Known before it runs: a rebuild of the rules that comes between must not forget its ports.
      this.#attachments.set(sandbox.id, { sandbox, networkName: "bridge", hostName, published });
      const failure = await this.#tryConnect(bridge, sandbox, { endpoint, hostName });
      if (failure === undefined) return;
      const isMade = !failure.why.startsWith("veth");
      await this.#takeBack(sandbox, isMade ? hostName : undefined);
      if (failure.code === "EEXIST" && !isMade) continue;
      if (repaired) throw failure;
      repaired = true;
      await bridge.repair(never);
    }
    throw systemError(`no free name for the interface of endpoint ${endpoint.endpointId}`);
  }

  /** Not the interface, unless it is known to be ours: one of that name may be another's. It goes with its namespace. */
  async #takeBack({ id, path }: Sandbox, hostName: string | undefined): Promise<void> {
    if (!this.#open.has(id)) await this.#remover.removeNow([path]);
    else if (hostName !== undefined) await this.#deps.executor.run(planLinkRemoval([hostName]), never);
  }

  async #tryConnect(
    bridge: Bridge,
    sandbox: Sandbox,
    port: { readonly endpoint: Endpoint; readonly hostName: string },
  ): Promise<PlanError | undefined> {
    const { endpoint, hostName } = port;
    const rules = planPublish(bridge.table, publicationsOf(endpoint));
    const predecessor = this.#leaving.get(endpoint.ipv4);
    const settings = {
      bridgeIndex: bridge.index,
      mtu: this.#settings.mtu,
      hairpin: bridge.hairpin,
      hostName,
      interfaceIndex: bridge.interfaceIndex,
      macAddress: endpoint.macAddress,
      address: parseIpv4(endpoint.ipv4),
      prefixLength: endpoint.prefixLength,
      gateway: bridge.gateway.address,
      ...(predecessor === undefined ? {} : { predecessor }),
      rules,
    };
    const plan = planBridgedSandbox(sandbox.path, settings, this.#open.has(sandbox.id));
    if (rules.length > 0) bridge.countBatch();
    try {
      const generation = readGeneration(await this.#deps.executor.run(plan, never));
      if (generation === undefined || bridge.isSuspect(generation)) await bridge.check(never);
      return undefined;
    } catch (error) {
      if (error instanceof PlanError) return error;
      await this.#takeBack(sandbox, undefined);
      throw error;
    }
  }

  async detach(sandboxId: string): Promise<void> {
    if (this.#open.delete(sandboxId)) this.#remover.removeLater({ path: this.#pathOf(sandboxId) }, () => {});
    const attachment = this.#attachments.get(sandboxId);
    if (attachment === undefined) return;
    this.#attachments.delete(sandboxId);
    const { sandbox, hostName, published } = attachment;
    const { endpoint, path } = sandbox;
    if (endpoint !== undefined) await this.#unpublish(endpoint);
    published?.close();
    if (endpoint === undefined || hostName === undefined) {
      this.#remover.removeLater({ path }, () => {});
      return;
    }
    this.#pool.release(parseIpv4(endpoint.ipv4));
    this.#leaving.set(endpoint.ipv4, hostName);
    this.#remover.removeLater({ path, hostName }, () => {
      if (this.#leaving.get(endpoint.ipv4) === hostName) this.#leaving.delete(endpoint.ipv4);
    });
  }

  async #unpublish(endpoint: Endpoint): Promise<void> {
    const bridge = this.#bridge;
    if (bridge === undefined) return;
    const rules = planUnpublish(bridge.table, publicationsOf(endpoint));
    if (rules.length === 0) return;
    bridge.countBatch();
    try {
      await this.#deps.executor.run(planRules("published ports", rules), never);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      await bridge.repair(never); // somebody else removed some of them
    }
  }

  async restore(
    live: readonly { readonly request: AttachRequest; readonly sandbox: Sandbox }[],
  ): Promise<void> {
    for (const { request, sandbox } of live) await this.#adopt(request, sandbox);
    const files = await readdir(join(this.#settings.execRoot, "netns"));
    const stale = files.filter((name) => !this.#attachments.has(name));
    await this.#remover.removeNow(stale.map((name) => this.#pathOf(name)));
    if (this.#bridge === undefined) return;
    await this.#removeStaleLinks(this.#bridge);
    await this.#bridge.repair(never);
  }

  async #adopt(request: AttachRequest, sandbox: Sandbox): Promise<void> {
    const { endpoint } = sandbox;
    if (endpoint === undefined) {
      this.#attachments.set(sandbox.id, { sandbox, networkName: request.network });
      return;
    }
    const address = parseIpv4(endpoint.ipv4);
    const bridge = this.#bridge;
    if (bridge === undefined || !contains(bridge.subnet, address) || !this.#pool.take(address))
      this.#deps.warn(
        `sandbox ${sandbox.id} has the address ${endpoint.ipv4}, which the bridge does not offer`,
      );
    const published = await this.#deps.ports.republish(endpoint.ports, endpoint.ipv4);
    const [hostName] = vethNames(endpoint.endpointId);
    this.#attachments.set(sandbox.id, {
      sandbox,
      networkName: request.network,
      ...(hostName === undefined ? {} : { hostName }),
      published,
    });
  }

  /** Ports of our bridge that belong to no sandbox. */
  async #removeStaleLinks(bridge: Bridge): Promise<void> {
    const kept = new Set(
      [...this.#attachments.values()].flatMap(({ sandbox }) =>
        sandbox.endpoint === undefined ? [] : vethNames(sandbox.endpoint.endpointId),
      ),
    );
    const isStale = (link: Link): boolean =>
      link.master === bridge.index && link.kind === "veth" && !kept.has(link.name);
    const { links } = readSurvey(await this.#deps.executor.run(surveyPlan, never));
    await this.#deps.executor.run(planLinkRemoval(links.filter(isStale).map(({ name }) => name)), never);
  }

  list(): readonly NetworkInfo[] {
    return NETWORKS.filter((name) => name !== "bridge" || this.#bridge !== undefined).map((name) =>
      this.#describe(name),
    );
  }

  get(nameOrId: string): NetworkInfo {
    return getNetwork(this.list(), nameOrId);
  }

  #describe(name: string): NetworkInfo {
    const endpoints = [...this.#attachments.values()]
      .filter(({ networkName }) => networkName === name)
      .flatMap(({ sandbox }) =>
        sandbox.endpoint === undefined ? [] : [{ ...sandbox.endpoint, sandboxId: sandbox.id }],
      );
    const driver = name === "none" ? "null" : name;
    const bridge = this.#bridge;
    const base = { ...this.#identity(name), name, driver, options: {}, endpoints };
    if (name !== "bridge" || bridge === undefined) return base;
    const subnet = formatSubnet(bridge.subnet);
    // As Docker: the gateway is told when it was not chosen automatically.
    const gateway = bridge.gateway.automatic ? {} : { gateway: formatIpv4(bridge.gateway.address) };
    return { ...base, subnet, ...gateway, options: bridgeOptions(bridge.settings.name, this.#settings.mtu) };
  }

  /** Everything that was detached until now is gone. */
  async settled(): Promise<void> {
    await this.#remover.settled();
  }

  /** Removes every trace of this engine's networks: for tests and when the engine is removed. */
  async removeAll(): Promise<void> {
    await Promise.all([...this.#attachments.keys()].map((id) => this.detach(id)));
    await this.#remover.settled();
    const bridge = this.#bridge;
    if (bridge === undefined) return;
    await bridge.removeRules(never);
    await this.#deps.executor.run(planLinkRemoval([bridge.settings.name]), never);
  }

  /** Live sandboxes, the bridge and its rules stay: the next daemon restores them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remover.settled();
    for (const { published } of this.#attachments.values()) published?.close();
  }

  #publications(): readonly Publication[] {
    const sandboxes = [...this.#attachments.values()].map(({ sandbox }) => sandbox);
    return sandboxes.flatMap(({ endpoint }) => (endpoint === undefined ? [] : publicationsOf(endpoint)));
  }

  #pathOf(sandboxId: string): string {
    if (!/^[0-9a-zA-Z_-]{1,128}$/.test(sandboxId)) throw invalid(`invalid sandbox id: ${sandboxId}`);
    return join(this.#settings.execRoot, "netns", sandboxId);
  }

  #identity(name: string): NetworkIdentity {
    const identity = this.#identities.get(name);
    if (identity === undefined) throw unsupported(`network ${name}`);
    return identity;
  }
}

// The networks of one engine on this host: "bridge", "host" and "none", and the sandboxes attached to them.

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, invalid, systemError, unsupported } from "#base/errors.ts";
import { contains, formatIpv4, parseIpv4 } from "#formats/ipv4.ts";
import type { Link } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { AddressPool } from "./address-pool.ts";
import { type Attachment, Attachments } from "./attachments.ts";
import { Bridge } from "./bridge.ts";
import { describeBridge, openPool } from "./bridge-description.ts";
import { readSurvey, surveyPlan } from "./bridge-survey.ts";
import { connectSandbox } from "./connect-sandbox.ts";
import type {
  AttachRequest,
  Endpoint,
  NamespaceOwner,
  NetworkController,
  NetworkInfo,
  OwnedNamespace,
  Sandbox,
} from "./controller.ts";
import { macOf, publicationsOf, vethNames } from "./endpoint-values.ts";
import { getNetwork, networkMissing } from "./find-network.ts";
import { type NetworkIdentity, readIdentities } from "./network-ids.ts";
import type { PortPublisher, PublishedPorts } from "./ports/publish.ts";
import type { Publication } from "./rules.ts";
import {
  INTERFACE_NAME,
  ownerPath,
  planIsolatedSandbox,
  planLinkRemoval,
  sandboxesOf,
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

const NETWORKS = ["bridge", "host", "none"];
/** What a plan is given when it must run to its end whoever waits for it. */
const never = new AbortController().signal;

export class LocalNetworkController implements NetworkController {
  readonly #deps: NetworkDeps;
  readonly #settings: NetworkSettings;
  readonly #identities: ReadonlyMap<string, NetworkIdentity>;
  readonly #attachments: Attachments;
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
    known: {
      readonly identities: ReadonlyMap<string, NetworkIdentity>;
      readonly attachments: Attachments;
    },
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#bridge = bridge;
    this.#identities = known.identities;
    this.#attachments = known.attachments;
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
    const attachments = new Attachments();
    const publications = (): readonly Publication[] => attachments.publications();
    const bridge =
      settings.bridge === "none"
        ? undefined
        : await Bridge.open(deps.executor, { ...settings, name: settings.bridge }, publications, signal);
    return new LocalNetworkController(deps, settings, bridge, { identities, attachments });
  }

  async open(sandboxId: string, signal: AbortSignal): Promise<string> {
    return this.#openNamespace(sandboxId, undefined, signal);
  }

  async openOwned(sandboxId: string, owner: NamespaceOwner, signal: AbortSignal): Promise<OwnedNamespace> {
    const network = await this.#openNamespace(sandboxId, owner, signal);
    return { network, user: "path" in owner ? owner.path : ownerPath(network) };
  }

  async #openNamespace(
    sandboxId: string,
    owner: NamespaceOwner | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    signal.throwIfAborted();
    const path = this.#pathOf(sandboxId);
    this.#open.add(sandboxId); // also while it is being made: detach must find what a failure left
    await this.#deps.executor.run(planIsolatedSandbox(path, owner), never);
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
    this.#attachments.set({ sandbox, networkName: "none" });
    if (this.#open.delete(sandbox.id)) return sandbox;
    try {
      await this.#deps.executor.run(planIsolatedSandbox(path), never);
    } catch (error) {
      this.#attachments.take(sandbox.id);
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
      this.#attachments.take(sandbox.id);
      await bridge.unpublish(publicationsOf(endpoint), never);
    });
    const predecessor = this.#leaving.get(ipv4);
    const connection = { path: sandbox.path, endpoint, isOpen: this.#open.has(sandbox.id) };
    await connectSandbox(
      {
        executor: this.#deps.executor,
        remover: this.#remover,
        bridge,
        mtu: this.#settings.mtu,
        willUse: (hostName) =>
          this.#attachments.set({ sandbox, networkName: "bridge", hostName, address, published }),
      },
      predecessor === undefined ? connection : { ...connection, predecessor },
    );
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

  async detach(sandboxId: string): Promise<void> {
    if (this.#open.delete(sandboxId)) this.#remover.removeLater({ path: this.#pathOf(sandboxId) }, () => {});
    const attachment = this.#attachments.take(sandboxId);
    if (attachment === undefined) return;
    const { endpoint } = attachment.sandbox;
    try {
      if (endpoint !== undefined) await this.#bridge?.unpublish(publicationsOf(endpoint), never);
    } finally {
      this.#giveBack(attachment);
    }
  }

  /** Nobody else would: the sandbox is forgotten, so that a second `detach` does nothing. */
  #giveBack({ sandbox: { path, endpoint }, hostName, address, published }: Attachment): void {
    published?.close();
    if (address !== undefined) this.#pool.release(address);
    if (endpoint === undefined || hostName === undefined) {
      this.#remover.removeLater({ path }, () => {});
      return;
    }
    this.#leaving.set(endpoint.ipv4, hostName);
    this.#remover.removeLater({ path, hostName }, () => {
      if (this.#leaving.get(endpoint.ipv4) === hostName) this.#leaving.delete(endpoint.ipv4);
    });
  }

  async restore(
    live: readonly { readonly request: AttachRequest; readonly sandbox: Sandbox }[],
  ): Promise<void> {
    const { links } = readSurvey(await this.#deps.executor.run(surveyPlan, never));
    const ports = links.filter((link) => link.kind === "veth" && link.master === this.#bridge?.index);
    for (const { request, sandbox } of live) await this.#adopt(request, sandbox, ports);
    const files = await readdir(join(this.#settings.execRoot, "netns"));
    const stale = sandboxesOf(files).filter((name) => !this.#attachments.has(name));
    await this.#remover.removeNow(stale.map((name) => this.#pathOf(name)));
    if (this.#bridge === undefined) return;
    const kept = new Set(this.#attachments.all().map(({ hostName }) => hostName));
    const left = ports.filter(({ name }) => !kept.has(name)).map(({ name }) => name);
    await this.#deps.executor.run(planLinkRemoval(left), never);
    await this.#bridge.repair(never);
  }

  /** `ports` are those of our bridge: an interface elsewhere is another's, whatever its name. */
  async #adopt(request: AttachRequest, sandbox: Sandbox, ports: readonly Link[]): Promise<void> {
    const { endpoint } = sandbox;
    if (endpoint === undefined) {
      this.#attachments.set({ sandbox, networkName: request.network });
      return;
    }
    const address = parseIpv4(endpoint.ipv4);
    const bridge = this.#bridge;
    const isOurs = bridge !== undefined && contains(bridge.subnet, address) && this.#pool.take(address);
    if (!isOurs)
      this.#deps.warn(
        `sandbox ${sandbox.id} has the address ${endpoint.ipv4}, which the bridge does not offer`,
      );
    const published = await this.#deps.ports.republish(endpoint.ports, endpoint.ipv4);
    const names = vethNames(endpoint.endpointId);
    const hostName = names.find((name) => ports.some((port) => port.name === name));
    this.#attachments.set({
      sandbox,
      networkName: request.network,
      ...(hostName === undefined ? {} : { hostName }),
      ...(isOurs ? { address } : {}),
      published,
    });
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
    const attachments = this.#attachments;
    const isBridge = name === "bridge" && this.#bridge !== undefined;
    const pool = isBridge ? this.#pool : undefined;
    return {
      ...this.#identity(name),
      name,
      driver: name === "none" ? "null" : name,
      ...(isBridge ? describeBridge(this.#bridge, this.#settings.mtu) : { options: {} }),
      // Most want to know the network only, and do so for each of many containers.
      get addresses() {
        return pool?.usage();
      },
      get endpoints() {
        return attachments.endpointsOf(name);
      },
    };
  }

  /** Everything that was detached until now is gone. */
  async settled(): Promise<void> {
    await this.#remover.settled();
  }

  async removeAll(): Promise<void> {
    await Promise.all(this.#attachments.all().map(({ sandbox }) => this.detach(sandbox.id)));
    await this.#remover.settled();
    const bridge = this.#bridge;
    if (bridge === undefined) return;
    await bridge.removeRules(never);
    await this.#deps.executor.run(planLinkRemoval([bridge.settings.name]), never);
  }

  /** Live sandboxes, the bridge and its rules stay: the next daemon restores them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remover.settled();
    for (const { published } of this.#attachments.all()) published?.close();
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

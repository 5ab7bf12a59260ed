// The networks of one engine on this host, and the sandboxes attached to them.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, invalid, prefixed, systemError } from "#base/errors.ts";
import { joinAll } from "#base/join.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import type { SocketSource } from "#kernel/zygote/passed-sockets.ts";
import type { Attachments } from "./attachments.ts";
import { readSurvey, surveyPlan } from "./bridge-survey.ts";
import type {
  AttachRequest,
  EndpointRequest,
  NamespaceOwner,
  NetworkController,
  NetworkInfo,
  OwnedNamespace,
  PortChange,
  Sandbox,
} from "./controller.ts";
import { NameService } from "./dns/name-service.ts";
import { vethNames } from "./endpoint-values.ts";
import type { Firewall } from "./firewall/firewall.ts";
import type { Forwarding } from "./forwarding.ts";
import type { LiveNetwork } from "./live-network.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import type { NetworkSpec } from "./network-spec.ts";
import type { NetworkStore } from "./network-store.ts";
import type { PortPublisher } from "./ports/publish.ts";
import type { RemotePlugins } from "./remote-plugins.ts";
import { SandboxConnector, type SandboxPlace } from "./sandbox-connector.ts";
import { SandboxNames } from "./sandbox-names.ts";
import { ownerPath, planIsolatedSandbox, planLinkRemoval, sandboxesOf } from "./sandbox-plan.ts";
import { SandboxRemover } from "./sandbox-remover.ts";

export interface ControllerParts {
  readonly executor: Executor;
  /** Makes the sockets of resolvers. */
  readonly sockets: SocketSource;
  readonly ports: PortPublisher;
  readonly warn: (message: string) => void;
  readonly store: NetworkStore;
  readonly registry: NetworkRegistry;
  readonly remotes: RemotePlugins;
  readonly rules: Firewall;
  readonly attachments: Attachments;
  readonly forwarding: Pick<Forwarding, "giveBack">;
  /** Number of the first interface in a new namespace. */
  readonly firstIndex: number;
  readonly execRoot: string;
}

/** What a plan is given when it must run to its end whoever waits for it. */
const never = new AbortController().signal;

export class LocalNetworkController implements NetworkController {
  readonly #parts: ControllerParts;
  /** Namespaces made ahead of `attach`, by sandbox. */
  readonly #open = new Set<string>();
  readonly #remover: SandboxRemover;
  readonly #connector: SandboxConnector;
  readonly #service: NameService;
  readonly #names: SandboxNames;

  /** `restore` comes next, before anything is attached. */
  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.#remover = new SandboxRemover(parts);
    const networkOf = (nameOrId: string): LiveNetwork => this.#find(nameOrId);
    this.#connector = new SandboxConnector({ ...parts, remover: this.#remover, networkOf });
    this.#service = new NameService({ sockets: parts.sockets, directory: parts.attachments.names });
    this.#names = new SandboxNames({
      service: this.#service,
      leadsOut: (sandboxId) => this.#connector.leadsOut(sandboxId),
    });
  }

  /** As dockerd with --bridge=none: who asks for nothing special gets nothing. */
  #find(nameOrId: string): LiveNetwork {
    const { registry } = this.#parts;
    const isMissing = nameOrId === "bridge" && registry.find(nameOrId) === undefined;
    return registry.get(isMissing ? "none" : nameOrId);
  }

  async create(spec: NetworkSpec, signal: AbortSignal): Promise<NetworkInfo> {
    signal.throwIfAborted();
    return this.#describe(await this.#parts.registry.create(spec, signal));
  }

  async remove(nameOrId: string, signal: AbortSignal): Promise<NetworkInfo> {
    await this.#reach(nameOrId, signal);
    const network = this.#parts.registry.get(nameOrId);
    const { id, name } = network.record;
    if (this.#connector.isUsed(id)) {
      const endpoints = this.#parts.attachments
        .endpointsOf(id)
        .map(
          ({ endpointId, endpointName = endpointId }) =>
            `name:"${endpointName}" id:"${endpointId.slice(0, 12)}"`,
        );
      throw new EngineError("forbidden", `network ${name} has active endpoints (${endpoints.join(", ")})`);
    }
    const info = { ...this.#describe(network), usage: [], endpoints: [] };
    await this.#parts.registry.remove(network);
    return info;
  }

  /** As dockerd: a network goes only while who has made it can be told. */
  async #reach(nameOrId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.registry.get(nameOrId).driver.remote?.reach(signal);
    } catch (error) {
      throw error instanceof EngineError ? prefixed("failed deleting network: ", error) : error;
    }
  }

  list(): readonly NetworkInfo[] {
    return this.#parts.registry.all().map((network) => this.#describe(network));
  }

  get(nameOrId: string): NetworkInfo {
    return this.#describe(this.#parts.registry.get(nameOrId));
  }

  find(nameOrId: string): NetworkInfo | undefined {
    const network = this.#parts.registry.find(nameOrId);
    return network === undefined ? undefined : this.#describe(network);
  }

  #describe(network: LiveNetwork): NetworkInfo {
    const { attachments } = this.#parts;
    return {
      ...network.record,
      // Most want to know the network only, and do so for each of many containers.
      get usage() {
        return network.usage();
      },
      get endpoints() {
        return attachments.endpointsOf(network.record.id);
      },
    };
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
    await this.#parts.executor.run(planIsolatedSandbox(path, owner), never);
    return path;
  }

  async attach(request: AttachRequest, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    const { sandboxId } = request;
    if (this.#parts.attachments.find(sandboxId) !== undefined)
      throw systemError(`sandbox ${sandboxId} is attached already`);
    if (!this.#open.has(sandboxId) && this.#connector.needsNamespace(request))
      await this.open(sandboxId, signal);
    const place = { id: sandboxId, path: this.#pathOf(sandboxId), isOpen: this.#open.has(sandboxId) };
    const sandbox = await this.#attach(place, request, signal);
    this.#open.delete(sandboxId);
    return sandbox;
  }

  /** The resolver is made beside the interfaces where the namespace is there. */
  async #attach(place: SandboxPlace, request: AttachRequest, signal: AbortSignal): Promise<Sandbox> {
    const isEarly = place.isOpen && request.endpoints.some(({ names }) => names !== undefined);
    try {
      const [sandbox] = await joinAll([
        this.#connector.attach(place, request, signal),
        isEarly ? this.#names.prepare(place) : undefined,
      ]);
      await this.#names.update(sandbox);
      await this.#connector.tellExit(place.id, signal);
      return sandbox;
    } catch (error) {
      this.#names.stop(place.id);
      await this.#connector.detach(place.id);
      throw error;
    }
  }

  async connect(sandboxId: string, endpoint: EndpointRequest, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    const before = this.#parts.attachments.find(sandboxId);
    const isFirst = endpoint.names !== undefined && !this.#names.has(sandboxId);
    try {
      const [sandbox] = await joinAll([
        this.#connector.connect(sandboxId, endpoint, signal),
        isFirst && before !== undefined ? this.#names.prepare(before.sandbox) : undefined,
      ]);
      await this.#names.update(sandbox);
      await this.#connector.tellExit(sandboxId, signal);
      return sandbox;
    } catch (error) {
      if (isFirst) this.#names.stop(sandboxId);
      await this.#leave(sandboxId, endpoint.endpointId);
      throw error;
    }
  }

  /** Nothing if the sandbox has no such endpoint. */
  async #leave(sandboxId: string, endpointId: string): Promise<void> {
    const endpoints = this.#parts.attachments.find(sandboxId)?.sandbox.endpoints ?? [];
    const made = endpoints.find((endpoint) => endpoint.endpointId === endpointId);
    if (made !== undefined) await this.#connector.disconnect(sandboxId, made.networkId);
  }

  async disconnect(sandboxId: string, networkId: string): Promise<Sandbox> {
    const sandbox = await this.#connector.disconnect(sandboxId, networkId);
    await this.#names.update(sandbox);
    return sandbox;
  }

  rename(sandboxId: string, names: ReadonlyMap<string, readonly string[]>): Sandbox {
    return this.#connector.rename(sandboxId, names);
  }

  async changePorts(sandboxId: string, change: PortChange): Promise<Sandbox> {
    return await this.#connector.changePorts(sandboxId, change);
  }

  async detach(sandboxId: string): Promise<void> {
    this.#names.stop(sandboxId);
    if (this.#open.delete(sandboxId)) this.#remover.removeLater({ path: this.#pathOf(sandboxId) }, () => {});
    await this.#connector.detach(sandboxId);
  }

  async restore(live: readonly Sandbox[]): Promise<void> {
    const { executor, execRoot, attachments, registry, remotes, rules } = this.#parts;
    const { links } = readSurvey(await executor.run(surveyPlan, never));
    // An interface elsewhere is another's, whatever its name.
    const bridges = new Set(links.filter(({ name }) => rules.hasBridge(name)).map(({ index }) => index));
    const ports = new Set(
      links.filter(({ kind, master }) => kind === "veth" && bridges.has(master)).map(({ name }) => name),
    );
    for (const sandbox of live)
      await this.#connector.adopt(sandbox, ({ endpointId }) =>
        vethNames(endpointId).find((name) => ports.has(name)),
      );
    for (const { driver, record } of registry.all())
      await driver.remote?.adopt(attachments.endpointsOf(record.id).map(({ endpointId }) => endpointId));
    remotes.restored();
    const files = await readdir(join(execRoot, "netns"));
    const stale = sandboxesOf(files).filter((name) => attachments.find(name) === undefined);
    await this.#remover.removeNow(stale.map((name) => this.#pathOf(name)));
    for (const { holdings } of attachments.all())
      for (const { hostName } of holdings.values()) ports.delete(hostName ?? "");
    await executor.run(planLinkRemoval([...ports]), never);
    await rules.repair();
    await Promise.all(live.map((sandbox) => this.#restoreNames(sandbox)));
  }

  /** It may be ending just now. */
  async #restoreNames(sandbox: Sandbox): Promise<void> {
    try {
      await this.#names.update(sandbox);
    } catch (error) {
      this.#parts.warn(`sandbox ${sandbox.id} has no resolver: ${String(error)}`);
    }
  }

  /** Everything that was detached until now is gone. */
  async settled(): Promise<void> {
    await this.#remover.settled();
  }

  async removeAll(): Promise<void> {
    const { attachments, registry, rules, forwarding } = this.#parts;
    await using last = new AsyncDisposableStack(); // each is tried, whatever becomes of the others
    last.defer(() => rules.removeAll());
    last.defer(() => forwarding.giveBack());
    for (const network of registry.all()) last.defer(() => network.close());
    last.defer(() => this.#remover.settled());
    await joinAll(attachments.all().map(({ sandbox }) => this.detach(sandbox.id)));
  }

  /** Live sandboxes, networks and their rules stay: the next daemon restores them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await using last = new AsyncDisposableStack(); // each is tried, whatever becomes of the others
    last.defer(() => this.#parts.store.close());
    last.use(this.#parts.remotes);
    last.use(this.#parts.rules);
    this.#parts.remotes.stop();
    this.#service[Symbol.dispose]();
    await this.#remover.settled();
    for (const { holdings } of this.#parts.attachments.all())
      for (const { published } of holdings.values()) published?.close();
    for (const { driver, record } of this.#parts.registry.all())
      if (this.#parts.attachments.endpointsOf(record.id).length === 0) await driver.rest?.();
  }

  #pathOf(sandboxId: string): string {
    if (!/^[0-9a-zA-Z_-]{1,128}$/.test(sandboxId)) throw invalid(`invalid sandbox id: ${sandboxId}`);
    return join(this.#parts.execRoot, "netns", sandboxId);
  }
}

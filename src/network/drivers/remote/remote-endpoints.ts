// The endpoints of one network of a plugin:
//
//   join    CreateEndpoint -> Join -> the interface that it names is looked for on the host     (planLink: moved into the sandbox)
//   leave   (takeBack: moved to the host) -> Leave -> DeleteEndpoint
//
// The plugin may hang, lie or die between any two of these, and so may the daemon: what was begun stands in the journal, and what cannot
// be taken back now is taken back before the next endpoint is made, or when the daemon starts.

import { EngineError, systemError } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import type { JournalEntry } from "../../endpoint-journal.ts";
import type { NetworkRecord } from "../../network-spec.ts";
import { type PluginCalls, PluginSaysNo } from "../../plugin-calls.ts";
import type { Joined, JoinRequest, Remote } from "../driver.ts";
import {
  decodeEndpoint,
  decodeJoin,
  decodeNothing,
  type JoinAnswer,
  readEndpoint,
  readJoin,
} from "./answers.ts";
import { findSource, planReturn } from "./host-link.ts";
import type { RemoteDriverDeps } from "./remote-driver.ts";

interface Source {
  readonly name: string;
  readonly index: number;
}

const never = new AbortController().signal;

export class RemoteEndpoints implements Remote {
  readonly #deps: RemoteDriverDeps;
  readonly #calls: PluginCalls;
  readonly #network: NetworkRecord;
  /** Those that are being made, or are there. */
  readonly #active = new Set<string>();
  /** Interfaces on the host, until they are moved. */
  readonly #sources = new Map<string, Source>();
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(deps: RemoteDriverDeps, calls: PluginCalls, network: NetworkRecord) {
    this.#deps = deps;
    this.#calls = calls;
    this.#network = network;
  }

  async reach(signal: AbortSignal): Promise<void> {
    await this.#calls.reach(signal);
  }

  async join(request: JoinRequest, signal: AbortSignal): Promise<Joined> {
    const { endpointId } = request;
    try {
      await this.#calls.reach(signal);
    } catch (error) {
      throw this.#failure(request, error);
    }
    await this.sweep(AbortSignal.any([signal, this.#calls.deadline()]));
    signal.throwIfAborted();
    this.#active.add(endpointId);
    this.#note(request, {});
    try {
      const own = await this.#create(request, signal);
      const { source, ...told } = await this.#join(request, own.addresses, signal);
      if (source !== "") {
        const index = await findSource(this.#deps.executor, source, signal);
        this.#sources.set(endpointId, { name: source, index });
        this.#note(request, { joined: true, source });
      }
      const noWayOut = this.#network.internal && { gateway: "", ipv6Gateway: "" };
      return { ...told, ...noWayOut, ...own, hasLink: source !== "" };
    } catch (error) {
      await this.leave(endpointId);
      throw error;
    }
  }

  #note({ endpointId, path }: JoinRequest, known: Partial<JournalEntry>): void {
    const entry = { endpointId, networkId: this.#network.id, path, joined: false, source: "", link: 0 };
    this.#deps.journal.put({ ...entry, ...known });
  }

  async #join(request: JoinRequest, own: readonly string[], signal: AbortSignal): Promise<JoinAnswer> {
    const { endpointId, path, addresses, sandboxOptions } = request;
    this.#note(request, { joined: true });
    const body = { ...this.#bodyOf(endpointId), SandboxKey: path, Options: sandboxOptions };
    try {
      return readJoin(await this.#calls.ask("Join", body, decodeJoin, signal), [...addresses, ...own]);
    } catch (error) {
      if (error instanceof PluginSaysNo) this.#note(request, {});
      throw error;
    }
  }

  async #create(request: JoinRequest, signal: AbortSignal) {
    const { addresses, macAddress, endpointId, options } = request;
    const { pools } = this.#network;
    const addressOf = (isIpv6: boolean): string =>
      addresses.find((address) => address.includes(":") === isIpv6) ?? "";
    const body = {
      ...this.#bodyOf(endpointId),
      Interface: { Address: addressOf(false), AddressIPv6: addressOf(true), MacAddress: macAddress },
      Options: options,
    };
    try {
      const answer = await this.#calls.ask("CreateEndpoint", body, decodeEndpoint, signal);
      const subnets = pools.flatMap(({ subnet = "" }) => subnet);
      return readEndpoint(answer, { addresses, macAddress, subnets });
    } catch (error) {
      // It has made none, as it says.
      if (error instanceof PluginSaysNo) this.#deps.journal.delete(endpointId);
      throw this.#failure(request, error);
    }
  }

  #failure({ endpointName }: JoinRequest, cause: unknown): unknown {
    if (!(cause instanceof EngineError)) return cause;
    const what = `failed to create endpoint ${endpointName} on network ${this.#network.name}`;
    return systemError(`${what}: ${cause.message}`, { cause });
  }

  #bodyOf(endpointId: string) {
    return { NetworkID: this.#network.id, EndpointID: endpointId };
  }

  /** The interface on the host; from now on it may be in the sandbox under that number. */
  placed(endpointId: string, link: number): Source {
    const source = this.#sources.get(endpointId);
    const entry = this.#deps.journal.find(endpointId);
    if (source === undefined || entry === undefined) throw new Error(`endpoint ${endpointId} is not joined`);
    this.#deps.journal.put({ ...entry, link });
    return source;
  }

  async takeBack(endpointId: string): Promise<void> {
    const entry = this.#deps.journal.find(endpointId);
    if (entry === undefined || entry.link === 0) return;
    const { path, link, source } = entry;
    const index = this.#sources.get(endpointId)?.index;
    try {
      await this.#deps.executor.run(
        planReturn(path, link, index === undefined ? { name: source } : { name: source, index }),
        never,
      );
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#deps.warn(`interface ${source} does not come back from ${path}: ${error.message}`);
    }
    this.#deps.journal.put({ ...entry, link: 0 });
  }

  async leave(endpointId: string): Promise<void> {
    this.#active.delete(endpointId);
    this.#sources.delete(endpointId);
    const entry = this.#deps.journal.find(endpointId);
    if (entry !== undefined && entry.link !== 0) this.#deps.journal.put({ ...entry, link: 0 });
    await this.#leave(endpointId, this.#calls.deadline());
  }

  /** Never rejects. One that is being left is not left twice. */
  #leave(endpointId: string, signal: AbortSignal): Promise<void> {
    const leaving = this.#leaving.get(endpointId) ?? this.#tellLeave(endpointId, signal);
    this.#leaving.set(endpointId, leaving);
    return leaving.finally(() => this.#leaving.delete(endpointId));
  }

  async #tellLeave(endpointId: string, signal: AbortSignal): Promise<void> {
    const entry = this.#deps.journal.find(endpointId);
    if (entry === undefined) return;
    try {
      if (entry.joined) await this.#tell("Leave", endpointId, signal);
      await this.#tell("DeleteEndpoint", endpointId, signal);
      this.#deps.journal.delete(endpointId);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#deps.warn(
        `endpoint ${endpointId} of network ${this.#network.name} is left at its plugin: ${why}`,
      );
    }
  }

  /** As dockerd: whatever it has against it, the endpoint is gone. */
  async #tell(verb: string, endpointId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#calls.ask(verb, this.#bodyOf(endpointId), decodeNothing, signal);
    } catch (error) {
      if (!(error instanceof PluginSaysNo)) throw error;
      this.#deps.warn(`driver error of network ${this.#network.name}: ${error.message}`);
    }
  }

  async programExit(
    endpointId: string,
    options: JoinRequest["sandboxOptions"],
    signal: AbortSignal,
  ): Promise<void> {
    const body = { ...this.#bodyOf(endpointId), Options: options };
    await this.#calls.tell("ProgramExternalConnectivity", body, decodeNothing, signal);
  }

  async revokeExit(endpointId: string, signal: AbortSignal): Promise<void> {
    const soon = AbortSignal.any([signal, this.#calls.deadline()]);
    await this.#calls.tell("RevokeExternalConnectivity", this.#bodyOf(endpointId), decodeNothing, soon);
  }

  async adopt(endpointIds: readonly string[]): Promise<void> {
    for (const id of endpointIds) this.#active.add(id);
    const left = this.#left();
    for (const { endpointId } of left) await this.takeBack(endpointId);
    if (left.length > 0) this.#deps.background(this.sweep(this.#calls.deadline()));
  }

  /** Tells what could not be told until now. Never rejects. */
  async sweep(signal: AbortSignal): Promise<void> {
    for (const { endpointId } of this.#left()) await this.#leave(endpointId, signal);
  }

  #left(): readonly JournalEntry[] {
    return this.#deps.journal.of(this.#network.id).filter(({ endpointId }) => !this.#active.has(endpointId));
  }
}

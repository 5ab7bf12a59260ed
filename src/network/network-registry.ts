// The networks of one engine: made, kept, found, removed.

import { randomBytes } from "node:crypto";
import { conflict, EngineError, invalid, systemError } from "#base/errors.ts";
import type { DriverNetwork, NetworkDriver } from "./drivers/driver.ts";
import { nothing } from "./drivers/plain-driver.ts";
import { NetworkIndex } from "./find-network.ts";
import type { IpamDriver } from "./ipam/ipam-driver.ts";
import { releasePools } from "./ipam/network-pools.ts";
import { LiveNetwork } from "./live-network.ts";
import { describePool, type LivePool, makePools, retakePools } from "./make-pools.ts";
import type { NetworkRecord, NetworkSpec } from "./network-spec.ts";
import type { NetworkStore } from "./network-store.ts";

export interface RegistryDeps {
  readonly store: NetworkStore;
  readonly drivers: ReadonlyMap<string, NetworkDriver>;
  /** The driver that a plugin of that name is, or would be. */
  readonly remoteDriver: (name: string) => NetworkDriver;
  readonly remoteIpam: (name: string) => IpamDriver;
  /** Work that nobody waits for until the daemon ends; it does not reject. */
  readonly background: (work: Promise<void>) => void;
  readonly ipam: ReadonlyMap<string, IpamDriver>;
  readonly warn: (message: string) => void;
}

const never = new AbortController().signal;

interface Making extends Pick<NetworkRecord, "facts"> {
  readonly signal: AbortSignal;
  readonly save: (record: NetworkRecord, pools: readonly LivePool[]) => Promise<void>;
}

const forbidden = (message: string): EngineError => new EngineError("forbidden", message);

export class NetworkRegistry {
  readonly #deps: RegistryDeps;
  readonly #networks = new NetworkIndex<LiveNetwork>();
  /** Those that are being made, by name; none of them rejects. */
  readonly #making = new Map<string, Promise<unknown>>();
  /** Those among them that their drivers make by now. */
  readonly #opening = new Map<string, NetworkRecord>();
  /** What drivers of this host are taking down. */
  readonly #closing = new Set<Promise<void>>();

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
  }

  /** Those that were kept, whatever is missing of them made again; what is left of others goes. */
  async load(): Promise<void> {
    const { ready, half } = this.#deps.store.load();
    for (const record of ready) {
      try {
        this.#networks.add(await this.#reopen(record));
      } catch (error) {
        this.#deps.warn(`network ${record.name} cannot be restored: ${String(error)}`);
      }
    }
    // After the others: what they share with it is theirs now. What went all the same, a bridge of the same name, is made again.
    for (const record of half)
      if (this.#driver(record).isElsewhere === true) this.#deps.background(this.#clear(record));
      else await this.#clear(record);
    if (half.length > 0) for (const network of this.#networks.all()) await network.driver.repair();
  }

  /** What cannot be removed now is tried again at the next start. */
  async #clear(record: NetworkRecord): Promise<void> {
    try {
      await this.#driver(record).clear(record);
      this.#deps.store.delete(record.id);
    } catch (error) {
      this.#deps.warn(`what is left of network ${record.name} cannot be removed: ${String(error)}`);
    }
  }

  async #reopen(record: NetworkRecord): Promise<LiveNetwork> {
    const ipam = this.#ipam(record.ipam.driver);
    if (record.configOnly) return new LiveNetwork(record, { driver: nothing, ipam, pools: [] });
    const pools = await retakePools(ipam, record);
    return new LiveNetwork(record, { driver: await this.#openAgain(record), ipam, pools });
  }

  /** What cannot be made now is tried again at the next start; until then nothing can join the network, and it can be removed. */
  async #openAgain(record: NetworkRecord): Promise<DriverNetwork> {
    const driver = this.#driver(record);
    try {
      return await driver.open(record);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#deps.warn(`network ${record.name} cannot be restored: ${why}`);
      const refuse = (): never => {
        throw systemError(`network ${record.name} could not be restored: ${why}`);
      };
      return { ...nothing, hasLink: true, planLink: refuse, close: () => driver.clear(record) };
    }
  }

  /** One that every engine has: what it is to be is decided anew at each start. */
  async addPredefined(spec: NetworkSpec, identity: Pick<NetworkRecord, "id" | "createdAt">): Promise<void> {
    const making = { facts: {}, signal: never, save: async () => {} };
    this.#networks.add(await this.#make(spec, identity, making));
    this.#opening.delete(spec.name);
  }

  get(nameOrId: string): LiveNetwork {
    return this.#networks.get(nameOrId);
  }

  find(nameOrId: string): LiveNetwork | undefined {
    return this.#networks.find(nameOrId);
  }

  all(): readonly LiveNetwork[] {
    return this.#networks.all();
  }

  async create(asked: NetworkSpec, signal: AbortSignal): Promise<LiveNetwork> {
    const { name } = asked;
    if (name.trim() === "") throw invalid("invalid name: name is empty");
    // As Docker: whoever asks for a name that somebody is about to get waits whether he gets it.
    for (let other = this.#making.get(name); other !== undefined; other = this.#making.get(name)) await other;
    if (this.#networks.hasName(name)) throw conflict(`network with name ${name} already exists`);
    const making = this.#create(asked, signal).then((network) => {
      this.#networks.add(network);
      return network;
    });
    this.#making.set(
      name,
      making
        .catch(() => {})
        .finally(() => {
          this.#making.delete(name);
          this.#opening.delete(name);
        }),
    );
    return await making;
  }

  async #create(asked: NetworkSpec, signal: AbortSignal): Promise<LiveNetwork> {
    const { store } = this.#deps;
    await Promise.allSettled(this.#closing); // what goes may have the interface that this one is to have
    const spec = asked.configFrom === "" ? asked : this.#configure(asked);
    const identity = { id: randomBytes(32).toString("hex"), createdAt: Date.now() };
    if (spec.configOnly) {
      const record = { ...spec, ...identity, driver: "null", pools: [], facts: {} };
      store.addMaking(record);
      store.markReady(record.id);
      return new LiveNetwork(record, { driver: nothing, ipam: this.#ipam(spec.ipam.driver), pools: [] });
    }
    const driver = this.#driver(spec);
    const facts = await driver.prepare(spec, identity.id, signal);
    const save = async (record: NetworkRecord, pools: readonly LivePool[]): Promise<void> => {
      store.addMaking(record);
      await driver.create?.(record, pools.map(describePool), signal);
    };
    try {
      const network = await this.#make(spec, identity, { facts, save, signal });
      store.markReady(identity.id);
      return network;
    } catch (error) {
      store.delete(identity.id);
      throw error;
    }
  }

  /** `save` is called before anything of it is made on the host. */
  async #make(
    asked: NetworkSpec,
    identity: Pick<NetworkRecord, "id" | "createdAt">,
    { facts, save, signal }: Making,
  ): Promise<LiveNetwork> {
    const driver = this.#driver(asked);
    if (driver.ipam === "none") {
      const record = { ...asked, ...identity, pools: [], facts };
      return new LiveNetwork(record, {
        driver: await driver.open(record),
        ipam: this.#ipam("null"),
        pools: [],
      });
    }
    const spec = { ...asked, ipam: { ...asked.ipam, driver: asked.ipam.driver || driver.ipam } };
    const ipam = this.#ipam(spec.ipam.driver);
    const pools = await makePools(ipam, spec, driver.needsGateway(spec), signal);
    try {
      const record = { ...spec, ...identity, pools: pools.map(({ setting }) => setting), facts };
      driver.checkConflict(record, this.#othersOf(spec.driver));
      this.#opening.set(record.name, record);
      await save(record, pools);
      return new LiveNetwork(record, { driver: await driver.open(record), ipam, pools });
    } catch (error) {
      await releasePools(ipam, pools);
      throw error;
    }
  }

  /** Networks of the driver, those that it is making among them. */
  #othersOf(driver: string): readonly NetworkRecord[] {
    return [...this.#networks.all().map((network) => network.record), ...this.#opening.values()].filter(
      (other) => other.driver === driver && !other.configOnly,
    );
  }

  /** The settings of a network that is there to be taken from. */
  #configure(spec: NetworkSpec): NetworkSpec {
    const source = this.#networks.all().find(({ record }) => record.name === spec.configFrom)?.record;
    if (!source?.configOnly)
      throw new EngineError("notFound", `configuration network "${spec.configFrom}" does not exist`);
    const { enableIpv4, enableIpv6, labels, ipam, options } = source;
    return { ...spec, enableIpv4, enableIpv6, labels, ipam, options };
  }

  /** The caller has seen that nobody uses it. It cannot be found any more from now on. */
  async remove(network: LiveNetwork): Promise<void> {
    const { record } = network;
    const isSource = this.#networks.all().some((other) => other.record.configFrom === record.name);
    if (record.configOnly && isSource) throw forbidden(`configuration network "${record.name}" is in use`);
    this.#deps.store.markRemoving(record.id);
    this.#networks.delete(network);
    const { isElsewhere = false } = this.#driver(record);
    const isPrompt = this.#ipam(record.ipam.driver).retaking === undefined;
    const closing = isPrompt ? network.close() : network.driver.close();
    if (!isElsewhere) this.#closing.add(closing);
    try {
      await closing;
    } finally {
      this.#closing.delete(closing);
    }
    if (!isPrompt) await network.free();
    this.#deps.store.delete(record.id);
  }

  #driver({ driver }: Pick<NetworkSpec, "driver">): NetworkDriver {
    return this.#deps.drivers.get(driver) ?? this.#deps.remoteDriver(driver);
  }

  #ipam(name: string): IpamDriver {
    return this.#deps.ipam.get(name || "default") ?? this.#deps.remoteIpam(name);
  }
}

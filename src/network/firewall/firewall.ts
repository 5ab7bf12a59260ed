// The engine's firewall: which networks and published ports are in its tables, and that they stay complete.

import { createHash } from "node:crypto";
import { Lock } from "#base/lock.ts";
import type { NetlinkMessage } from "#formats/netlink/message.ts";
import {
  addTable,
  decodeRule,
  deleteTable,
  dumpRules,
  type NftablesMessage,
} from "#formats/nftables/messages.ts";
import { countElements, dumpElements } from "#formats/nftables/sets.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { planRules } from "../sandbox-plan.ts";
import { allContents, networkContents, portContents, type Scope } from "./contents.ts";
import { Exemptions } from "./exemptions.ts";
import { families } from "./families.ts";
import type { FirewallNetwork } from "./firewall-network.ts";
import { OpenedPorts } from "./opened-ports.ts";
import {
  countContents,
  type FamilyTable,
  planFill,
  planTable,
  planTakeOut,
  setNamesOf,
} from "./plan-table.ts";
import type { Publication } from "./published.ts";
import { ask, generationQuery, readGeneration } from "./queries.ts";
import { countRules, USER_CHAIN } from "./table.ts";
import { watchRules } from "./watch.ts";

export interface FirewallDeps {
  readonly executor: Pick<Executor, "run" | "hold">;
  readonly warn: (message: string) => void;
  /** All that are published now. */
  readonly publications: () => readonly Publication[];
  /** Families that have a table of ours. */
  readonly manages: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** Published ports are left to the host's own rules, and to the sockets that hold them. */
  readonly respectsHost: boolean;
}

/** How often the tables are made anew in a row, if batches of ours come in between. */
const REBUILDS = 5;
const never = new AbortController().signal;

/** Of each engine, named for its data root. */
const nameOf = (dataRoot: string): string => createHash("sha256").update(dataRoot).digest("hex").slice(0, 8);

export class Firewall {
  readonly #deps: FirewallDeps;
  readonly #tables: readonly FamilyTable[];
  /** Of families that are left alone: an earlier process may have made them. */
  readonly #formerTables: readonly FamilyTable[];
  readonly #apart: Record<4 | 6, readonly string[]> = { 4: [], 6: [] };
  /** In the tables of iptables. */
  readonly #exemptions: Exemptions;
  readonly #lock = new Lock();
  readonly #networks = new Map<string, FirewallNetwork>();
  /** UDP ports of the engine's own, by the network that they are for. */
  readonly #reserved = new Map<string, number>();
  /** Last generation of the host's rules at which ours were complete, and how many batches we had sent then. */
  #checked = { generation: -1, batches: 0 };
  #batches = 0;
  /** It is known what is published. */
  #isReady = false;
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;
  readonly #opened = new OpenedPorts();

  constructor(deps: FirewallDeps, dataRoot: string) {
    const name = nameOf(dataRoot);
    this.#deps = deps;
    const isManaged = ({ facts }: FamilyTable): boolean =>
      facts.version === 4 ? deps.manages.ipv4 : deps.manages.ipv6;
    const tables = families.map((facts) => ({ family: facts.name, name: `gantry-${name}`, facts }));
    this.#tables = tables.filter(isManaged);
    this.#formerTables = tables.filter((table) => !isManaged(table));
    this.#exemptions = new Exemptions(deps.executor, `GANTRY-${name}`, this.#tables);
  }

  /** Adds it, or changes what is known of it. Before the first repair, which comes when everything is known that is published, it is only remembered. */
  async addNetwork(network: FirewallNetwork): Promise<void> {
    const isNew = !this.#networks.has(network.id);
    this.#networks.set(network.id, network);
    if (!this.#isReady) return;
    const wasApart = this.#isApart(network);
    if (!isNew || wasApart || this.#checked.generation < 0) return await this.repair();
    const fill = this.#tables.flatMap((table) => planFill(table, networkContents(table.facts, [network])));
    await this.#sendOrRepair("network", fill, this.#exemptions.queries);
  }

  /** Nothing if it is not there. */
  async removeNetwork(id: string): Promise<void> {
    const network = this.#networks.get(id);
    if (network === undefined) return;
    this.#networks.delete(id);
    if (this.#checked.generation < 0) return;
    if (this.#isApart(network)) return await this.repair();
    const rest = this.#tables.flatMap((table) => planTakeOut(table, networkContents(table.facts, [network])));
    await this.#sendOrRepair("network", rest, this.#exemptions.queries);
  }

  /** Containers on bridges cannot reach that UDP port of the host, until it is released. */
  async reserve(networkId: string, port: number): Promise<void> {
    this.#reserved.set(networkId, port);
    if (this.#isReady) await this.repair();
  }

  /** Nothing if it is not reserved. */
  async release(networkId: string): Promise<void> {
    if (this.#reserved.delete(networkId) && this.#isReady) await this.repair();
  }

  #isApart({ bridge }: FirewallNetwork): boolean {
    return [...this.#apart[4], ...this.#apart[6]].includes(bridge);
  }

  /** Nothing is forwarded from one of these interfaces to another, but for bridges of networks. */
  async keepApart(version: 4 | 6, names: readonly string[]): Promise<void> {
    this.#apart[version] = names;
    if (this.#isReady) await this.repair();
  }

  /** An interface of that name is a bridge of a network. */
  hasBridge(name: string): boolean {
    return this.#bridges.includes(name);
  }

  /** The batch that publishes, for the caller to send: it is counted as one of ours. May be empty. */
  planPublish(publications: readonly Publication[]): readonly NftablesMessage[] {
    const messages = this.#planPorts(publications);
    if (messages.length > 0) this.#batches++;
    return messages;
  }

  /** At once. They are among all that are published already. */
  async publish(publications: readonly Publication[]): Promise<void> {
    await this.#sendOrRepair("published ports", this.#planPorts(publications));
  }

  #planPorts(publications: readonly Publication[]): readonly NftablesMessage[] {
    return this.#tables.flatMap((table) => [
      ...planFill(table, portContents(table.facts, this.#scope, publications)),
      ...this.#planOpen(table, publications),
    ]);
  }

  /** The batch that makes the tables anew with all that is published, for the caller to send: whatever others do to them before it comes to the
   *  kernel. What we send meanwhile may be undone by it: a repair must follow. */
  planAnew(): readonly NftablesMessage[] {
    if (!this.#isNeeded) return [];
    const publications = this.#deps.publications();
    this.#opened.reset(this.#tables, this.#scope, publications);
    this.#batches++;
    return this.#tables.flatMap((table) =>
      planTable(table, allContents(table.facts, this.#scope, publications)),
    );
  }

  /** They may still be among all that are published. */
  async unpublish(publications: readonly Publication[]): Promise<void> {
    const messages = this.#tables.flatMap((table) => [
      ...planTakeOut(table, portContents(table.facts, this.#scope, publications)),
      ...this.#planOpen(table, publications, []),
    ]);
    await this.#sendOrRepair("published ports", messages);
  }

  /** What becomes open of the containers' own addresses, when `added` take the place of `changed`. */
  #planOpen(
    table: FamilyTable,
    changed: readonly Publication[],
    added = changed,
  ): readonly NftablesMessage[] {
    const ports = new Set(changed.map(({ port }) => port));
    const others = (): readonly Publication[] =>
      this.#deps.publications().filter(({ port }) => !ports.has(port));
    return this.#opened.planChange(table, this.#scope, { changed, added, others });
  }

  /** `queries`: for what other firewalls have of ours. */
  async #sendOrRepair(
    why: string,
    messages: readonly NftablesMessage[],
    queries: readonly Op[] = [],
  ): Promise<void> {
    if (messages.length === 0) return;
    this.#batches++;
    try {
      const result = await this.#deps.executor.run([...planRules(why, messages), ...queries], never);
      if (!this.#areExempt(repliesOf(result))) await this.repair();
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      await this.repair(); // somebody else removed some of them
    }
  }

  /** Somebody else changed rules since ours were last known to be complete. */
  isSuspect(generation: number): boolean {
    return this.#isNeeded && generation - this.#checked.generation > this.#batches - this.#checked.batches;
  }

  /** There is a network, or was one. */
  get #isNeeded(): boolean {
    return this.#tables.length > 0 && (this.#networks.size > 0 || this.#checked.generation >= 0);
  }

  /** Puts everything back if anything is missing. Before there is a network there is nothing. */
  async check(): Promise<void> {
    if (!this.#isNeeded) return;
    using _held = await this.#lock.acquire();
    const batches = this.#batches;
    const dumps = this.#tables.flatMap((table) => [
      ask("list rules", dumpRules(table)),
      ...setNamesOf(table).map((set) => ask("list elements", dumpElements(table, set))),
    ]);
    const result = await this.#deps.executor.run(
      [generationQuery, ...dumps, ...this.#exemptions.queries],
      never,
    );
    const messages = repliesOf(result);
    const isWhole = this.#isComplete(messages) && this.#areExempt(messages);
    if (isWhole) this.#checked = { generation: readGeneration(result) ?? -1, batches };
    else await this.#rebuild();
  }

  /** Ports that come or go meanwhile may make it look incomplete: then it is made anew, which does no harm. */
  #isComplete(messages: readonly NetlinkMessage[]): boolean {
    const name = this.#tables[0]?.name;
    const rules = messages
      .map(decodeRule)
      .filter((rule) => rule?.table.name === name && rule?.chain !== USER_CHAIN).length;
    const elements = messages.reduce((count, message) => count + countElements(message), 0);
    const publications = this.#deps.publications();
    const wanted = this.#tables.map((table) => ({
      rules: countRules(table.facts),
      elements: countContents(table, allContents(table.facts, this.#scope, publications)),
    }));
    return (
      rules === wanted.reduce((sum, { rules: count }) => sum + count, 0) &&
      elements === wanted.reduce((sum, { elements: count }) => sum + count, 0)
    );
  }

  get #scope(): Scope {
    const reserved = [...this.#reserved.values()];
    const { respectsHost } = this.#deps;
    return { networks: this.#networks, respectsHost, reserved, apart: this.#apart };
  }

  get #bridges(): readonly string[] {
    return [...this.#networks.values()].map(({ bridge }) => bridge);
  }

  #areExempt(replies: readonly NetlinkMessage[]): boolean {
    return this.#exemptions.areThere(replies, this.#bridges);
  }

  /** Makes the tables what they should be, whatever happened to them. Without a network there are none until there is one. */
  async repair(): Promise<void> {
    if (!this.#isReady) await this.#removeFormer();
    this.#isReady = true;
    if (!this.#isNeeded) return;
    using _held = await this.#lock.acquire();
    await this.#rebuild();
    this.#watching ??= this.#watch();
  }

  /** A kernel without nftables has nothing to remove. */
  async #removeFormer(): Promise<void> {
    const messages = this.#formerTables.flatMap((table) => [addTable(table), deleteTable(table)]);
    const plan = planRules("tables of before", messages).map((op) => ({ ...op, mayFail: true }));
    if (plan.length > 0) await this.#deps.executor.run(plan, never);
  }

  /** What others change is looked at when the kernel tells it. */
  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const _ of watchRules(this.#deps.executor, signal)) await this.check();
    } catch (error) {
      if (!signal.aborted) this.#deps.warn(`rules are not watched any more: ${String(error)}`);
    }
  }

  /** The tables stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #rebuild(): Promise<void> {
    for (let left = REBUILDS; left > 0; left--) if (await this.#rebuildOnce()) return;
    this.#checked = { generation: 0, batches: this.#batches }; // whoever looks next finds it suspect
  }

  /** False: we sent other batches meanwhile, and what they did may be undone. */
  async #rebuildOnce(): Promise<boolean> {
    const exemptions = await this.#exemptions.plan(() => this.#bridges);
    const messages = [...this.planAnew(), ...exemptions];
    const batches = this.#batches;
    const result = await this.#deps.executor.run([...planRules("rules", messages), generationQuery], never);
    this.#checked = { generation: readGeneration(result) ?? -1, batches: this.#batches };
    return this.#batches === batches;
  }

  /** Nothing of ours is left on the host. */
  async removeAll(): Promise<void> {
    await this[Symbol.asyncDispose]();
    if (this.#checked.generation < 0) return;
    const messages = [
      ...this.#tables.map((table) => deleteTable(table)),
      ...(await this.#exemptions.planRemoval()),
    ];
    await this.#deps.executor.run(planRules("remove rules", messages), never);
  }
}

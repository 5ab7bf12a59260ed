// The engine's table of nftables rules: which networks and published ports are in it, and that it stays complete.

import { createHash } from "node:crypto";
import { Lock } from "#base/lock.ts";
import { decodeMessages, NETLINK_NETFILTER } from "#formats/netlink/message.ts";
import {
  decodeGeneration,
  decodeRule,
  deleteTable,
  dumpRules,
  getGeneration,
  type NftablesMessage,
} from "#formats/nftables/messages.ts";
import { type Executor, PlanError, type PlanResult } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { GatewayMode } from "./drivers/bridge-options.ts";
import { countRules, type Publication, planPublish, planTable, planUnpublish } from "./rules.ts";
import { planRules } from "./sandbox-plan.ts";

/** A network as the rules see it. */
export interface FirewallNetwork {
  readonly id: string;
  /** Its interface on the host. */
  readonly bridge: string;
  readonly subnets: readonly string[];
  readonly internal: boolean;
  /** Its containers may talk to each other. */
  readonly icc: boolean;
  readonly masquerade: boolean;
  readonly gatewayMode: { readonly ipv4: GatewayMode; readonly ipv6: GatewayMode };
  /** The source address of what leaves it. */
  readonly hostAddress: { readonly ipv4?: string; readonly ipv6?: string };
  readonly trustedInterfaces: readonly string[];
}

export interface RulesDeps {
  readonly executor: Pick<Executor, "run">;
  /** All that are published now. */
  readonly publications: () => readonly Publication[];
}

const never = new AbortController().signal;

/** One table for each engine, named for its data root. */
const tableName = (dataRoot: string): string =>
  `gantry-${createHash("sha256").update(dataRoot).digest("hex").slice(0, 8)}`;

const rulesDump = (table: string): Op => ({
  op: "netlink",
  why: "list rules",
  protocol: NETLINK_NETFILTER,
  messages: [dumpRules(table)],
});

const generationQuery: Op = {
  op: "netlink",
  why: "rule generation",
  protocol: NETLINK_NETFILTER,
  messages: [getGeneration()],
};

export const readGeneration = (result: PlanResult): number | undefined =>
  [...result.values()]
    .flat()
    .flatMap((bytes) => decodeMessages(bytes))
    .map(decodeGeneration)
    .find((generation) => generation !== undefined);

export class NetworkRules {
  readonly #deps: RulesDeps;
  readonly #table: string;
  readonly #lock = new Lock();
  readonly #networks = new Map<string, FirewallNetwork>();
  /** Last generation of the host's rules at which ours were complete, and how many batches we had sent then. */
  #checked = { generation: -1, batches: 0 };
  #batches = 0;

  constructor(deps: RulesDeps, dataRoot: string) {
    this.#deps = deps;
    this.#table = tableName(dataRoot);
  }

  /** Adds it, or changes what is known of it. */
  async addNetwork(network: FirewallNetwork): Promise<void> {
    this.#networks.set(network.id, network);
    await this.repair();
  }

  /** Nothing if it is not there. */
  async removeNetwork(id: string): Promise<void> {
    if (this.#networks.delete(id)) await this.repair();
  }

  /** One of its networks is on it. */
  hasBridge(name: string): boolean {
    return [...this.#networks.values()].some(({ bridge }) => bridge === name);
  }

  /** The batch that publishes, for the caller to send: it is counted as one of ours. Empty when no IPv4 port is among them. */
  planPublish(publications: readonly Publication[]): readonly NftablesMessage[] {
    const rules = planPublish(this.#table, publications);
    if (rules.length > 0) this.#batches++;
    return rules;
  }

  async unpublish(publications: readonly Publication[]): Promise<void> {
    const rules = planUnpublish(this.#table, publications);
    if (rules.length === 0) return;
    this.#batches++;
    try {
      await this.#deps.executor.run(planRules("published ports", rules), never);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      await this.repair(); // somebody else removed some of them
    }
  }

  /** Somebody else changed rules since ours were last known to be complete. */
  isSuspect(generation: number): boolean {
    return generation - this.#checked.generation > this.#batches - this.#checked.batches;
  }

  /** Puts the rules back if any is missing. */
  async check(): Promise<void> {
    using _held = await this.#lock.acquire();
    const batches = this.#batches;
    const result = await this.#deps.executor.run([generationQuery, rulesDump(this.#table)], never);
    const generation = readGeneration(result) ?? -1;
    const rules = [...result.values()]
      .flat()
      .flatMap((bytes) => decodeMessages(bytes))
      .map(decodeRule)
      .filter((rule) => rule?.table === this.#table && rule.chain !== "user");
    if (rules.length === countRules(this.#scope())) this.#checked = { generation, batches };
    else await this.#rebuild();
  }

  /** Makes the table what it should be, whatever happened to it. */
  async repair(): Promise<void> {
    using _held = await this.#lock.acquire();
    await this.#rebuild();
  }

  async #rebuild(): Promise<void> {
    const rules = planTable(this.#scope(), this.#deps.publications());
    this.#batches++;
    const result = await this.#deps.executor.run([...planRules("rules", rules), generationQuery], never);
    this.#checked = { generation: readGeneration(result) ?? -1, batches: this.#batches };
  }

  async removeAll(): Promise<void> {
    await this.#deps.executor.run(planRules("remove rules", [deleteTable(this.#table)]), never);
  }

  #scope() {
    return { table: this.#table, networks: [...this.#networks.values()] };
  }
}

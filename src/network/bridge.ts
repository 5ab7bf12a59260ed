// The default bridge of an engine: the interface, its address, the table of rules. Made once, checked and repaired at need.

import { createHash, randomBytes } from "node:crypto";
import { invalid, systemError } from "#base/errors.ts";
import { Lock } from "#base/lock.ts";
import { formatIpv4, type Subnet, subnetOf } from "#formats/ipv4.ts";
import { decodeMessages, NETLINK_NETFILTER, NETLINK_ROUTE } from "#formats/netlink/message.ts";
import {
  decodeGeneration,
  decodeRule,
  deleteTable,
  dumpRules,
  getGeneration,
  type NftablesMessage,
} from "#formats/nftables/messages.ts";
import { addAddress } from "#formats/rtnetlink/addresses.ts";
import { changeLink, createBridge, type Link } from "#formats/rtnetlink/links.ts";
import { type Executor, PlanError, type PlanResult } from "#kernel/plan/executor.ts";
import type { Op } from "#kernel/plan/ops.ts";
import {
  type BridgeAddress,
  chooseBridgeAddress,
  freshNamespacePlan,
  readSurvey,
  type Survey,
  surveyPlan,
} from "./bridge-survey.ts";
import {
  countRules,
  type Publication,
  planPublish,
  planTable,
  planUnpublish,
  type RuleScope,
} from "./rules.ts";
import { planRules, writeSysctl } from "./sandbox-plan.ts";

const EEXIST = 17;

export interface BridgeSettings {
  readonly name: string;
  readonly mtu: number;
  /** Address and prefix length of the bridge; chosen if not given. */
  readonly bip?: string;
  /** Names the engine's table of rules. */
  readonly dataRoot: string;
}

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

export class Bridge {
  readonly settings: BridgeSettings;
  readonly #executor: Executor;
  readonly #address: BridgeAddress;
  readonly #publications: () => readonly Publication[];
  readonly #lock = new Lock();
  #link: Link;
  /** Interface number of eth0 in a new namespace. */
  readonly interfaceIndex: number;
  readonly hairpin: boolean;
  /** Last generation of the host's rules at which ours were complete, and how many batches we had sent then. */
  #checked = { generation: -1, batches: 0 };
  #batches = 0;

  private constructor(
    executor: Executor,
    settings: BridgeSettings,
    publications: () => readonly Publication[],
    found: {
      readonly link: Link;
      readonly address: BridgeAddress;
      readonly interfaceIndex: number;
      readonly hairpin: boolean;
    },
  ) {
    this.#executor = executor;
    this.settings = settings;
    this.#publications = publications;
    this.#link = found.link;
    this.#address = found.address;
    this.interfaceIndex = found.interfaceIndex;
    this.hairpin = found.hairpin;
  }

  /** Makes or adopts the interface. The rules come with `repair`. */
  static async open(
    executor: Executor,
    settings: BridgeSettings,
    publications: () => readonly Publication[],
    signal: AbortSignal,
  ): Promise<Bridge> {
    if (!/^[^\s/]{1,15}$/.test(settings.name)) throw invalid(`invalid bridge name: ${settings.name}`);
    const survey = readSurvey(await executor.run(surveyPlan, signal));
    const fresh = readSurvey(await executor.run(freshNamespacePlan, signal));
    const hairpin = await callsRulesForBridgedFrames(executor, signal);
    const address = chooseBridgeAddress(survey, settings.name, settings.bip);
    const link = await makeLink(executor, { survey, settings, address }, signal);
    const interfaceIndex = Math.max(...fresh.links.map(({ index }) => index)) + 1;
    return new Bridge(executor, settings, publications, { link, address, interfaceIndex, hairpin });
  }

  get index(): number {
    return this.#link.index;
  }

  get gateway(): BridgeAddress {
    return this.#address;
  }

  get subnet(): Subnet {
    return subnetOf(this.#address.address, this.#address.prefixLength);
  }

  get table(): string {
    return tableName(this.settings.dataRoot);
  }

  /** The batch that publishes, for the caller to send: it is counted as one of ours. Empty when no IPv4 port is among them. */
  planPublish(publications: readonly Publication[]): readonly NftablesMessage[] {
    const rules = planPublish(this.table, publications);
    if (rules.length > 0) this.#batches++;
    return rules;
  }

  async unpublish(publications: readonly Publication[], signal: AbortSignal): Promise<void> {
    const rules = planUnpublish(this.table, publications);
    if (rules.length === 0) return;
    this.#batches++;
    try {
      await this.#executor.run(planRules("published ports", rules), signal);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      await this.repair(signal); // somebody else removed some of them
    }
  }

  /** Somebody else changed rules since ours were last known to be complete. */
  isSuspect(generation: number): boolean {
    return generation - this.#checked.generation > this.#batches - this.#checked.batches;
  }

  /** Puts the rules back if any is missing. */
  async check(signal: AbortSignal): Promise<void> {
    using _held = await this.#lock.acquire();
    const batches = this.#batches;
    const result = await this.#executor.run([generationQuery, rulesDump(this.table)], signal);
    const generation = readGeneration(result) ?? -1;
    const rules = [...result.values()]
      .flat()
      .flatMap((bytes) => decodeMessages(bytes))
      .map(decodeRule)
      .filter((rule) => rule?.table === this.table && rule.chain !== "user");
    if (rules.length === countRules(this.#scope())) this.#checked = { generation, batches };
    else await this.#rebuild(signal);
  }

  /** Makes interface and rules what they should be, whatever happened to them. */
  async repair(signal: AbortSignal): Promise<void> {
    using _held = await this.#lock.acquire();
    const survey = readSurvey(await this.#executor.run(surveyPlan, signal));
    this.#link = await makeLink(
      this.#executor,
      { survey, settings: this.settings, address: this.#address },
      signal,
    );
    await this.#rebuild(signal);
  }

  async #rebuild(signal: AbortSignal): Promise<void> {
    const rules = planTable(this.#scope(), this.#publications());
    this.#batches++;
    const result = await this.#executor.run([...planRules("rules", rules), generationQuery], signal);
    this.#checked = { generation: readGeneration(result) ?? -1, batches: this.#batches };
  }

  /** Removes the table. The interface stays, as Docker's does. */
  async removeRules(signal: AbortSignal): Promise<void> {
    await this.#executor.run(planRules("remove rules", [deleteTable(this.table)]), signal);
  }

  #scope(): RuleScope {
    return { table: this.table, bridge: this.settings.name, subnet: this.subnet };
  }
}

/** With br_netfilter a redirected frame goes back to its own port inside the bridge, which needs hairpin mode. */
async function callsRulesForBridgedFrames(executor: Executor, signal: AbortSignal): Promise<boolean> {
  const path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  const result = await executor.run([{ op: "read", why: "br_netfilter", path, missingOk: true }], signal);
  return [...result.values()].flat().some((bytes) => Buffer.from(bytes).toString().trim() === "1");
}

interface Wanted {
  readonly survey: Survey;
  readonly settings: BridgeSettings;
  readonly address: BridgeAddress;
}

async function makeLink(executor: Executor, wanted: Wanted, signal: AbortSignal): Promise<Link> {
  const { settings, address, survey } = wanted;
  const { name, mtu } = settings;
  const find = (links: readonly Link[]): Link | undefined => links.find((link) => link.name === name);
  let link = find(survey.links);
  if (link === undefined) {
    const macAddress = `02:42:${randomBytes(4)
      .toString("hex")
      .replace(/..(?=.)/g, "$&:")}`;
    const messages = [createBridge({ name, macAddress, mtu })];
    const create: Op = { op: "netlink", why: `bridge ${name}`, protocol: NETLINK_ROUTE, messages };
    link = find(readSurvey(await executor.run([create, ...surveyPlan], signal)).links);
  }
  if (link === undefined) throw systemError(`bridge ${name} is gone`);
  if (link.kind !== "bridge") throw systemError(`existing interface ${name} is not a bridge`);
  const hasAddress = survey.addresses.some(
    (other) => other.linkIndex === link.index && other.address.value === BigInt(address.address),
  );
  const messages = [
    ...(hasAddress ? [] : [addAddress(link.index, `${formatIpv4(address.address)}/${address.prefixLength}`)]),
    changeLink({ index: link.index, up: true }),
  ];
  await executor.run(
    [
      writeSysctl(`net/ipv6/conf/${name}/accept_ra`, "0"),
      // Connections of the host to 127.0.0.1:port are redirected into the bridge; the rules keep outsiders away from 127/8.
      writeSysctl(`net/ipv4/conf/${name}/route_localnet`, "1"),
      writeSysctl("net/ipv4/ip_forward", "1"),
      {
        op: "netlink",
        why: `bridge ${name}`,
        protocol: NETLINK_ROUTE,
        messages,
        ignoreErrno: [EEXIST],
      },
    ],
    signal,
  );
  return link;
}

// The links of the host that macvlan and ipvlan networks sit on. One that is not there is made, if its name says how ("eth0.10": what
// eth0 has with the VLAN tag 10), or if none is named: then it leads nowhere, and the network is internal.

import { wordsOf } from "#base/errno-words.ts";
import { systemError } from "#base/errors.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { changeLink, decodeLink, getLink, type Link } from "#formats/rtnetlink/links.ts";
import { createDummy, createVlan } from "#formats/rtnetlink/virtual-links.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op } from "#kernel/plan/ops.ts";
import { linkExists } from "../link-exists.ts";
import { planLinkRemoval, writeSysctl } from "../sandbox-plan.ts";

const ENODEV = 19;
const EEXIST = 17;
const LARGEST_VLAN = 4094;

const never = new AbortController().signal;

export interface Vlan {
  readonly parent: string;
  readonly id: number;
}

/** "eth0.10". Throws in Docker's words for another name. */
function readVlan(name: string): Vlan {
  if (!name.includes("."))
    throw systemError(`invalid subinterface vlan name ${name}, example formatting is eth0.10`);
  const [parent = "", digits = "", ...more] = name.split(".");
  if (more.length > 0)
    throw systemError(
      `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${name}`,
    );
  if (!/^[+-]?\d+$/.test(digits))
    throw systemError(`unable to parse a valid vlan id from: ${digits} (ex. eth0.10 for vlan 10)`);
  return { parent, id: Number(digits) };
}

/** Throws in Docker's words if there is no such link and none can be made by this name. True: it is there. */
export async function checkParent(name: string): Promise<boolean> {
  if (await linkExists(name)) return true;
  const { parent, id } = readVlan(name);
  if (!(await linkExists(parent)))
    throw systemError(`-o parent interface was not found on the host: ${parent}`);
  if (id < 1 || id > LARGEST_VLAN) throw systemError(`vlan id must be between 1-4094, received: ${id}`);
  return false;
}

/** Makes and finds the links. `kind`: "macvlan" in messages. */
export class ParentLinks {
  readonly #executor: Pick<Executor, "run">;
  readonly #kind: string;

  constructor(executor: Pick<Executor, "run">, kind: string) {
    this.#executor = executor;
    this.#kind = kind;
  }

  /** Its number; it is made if it is not there. `leadsNowhere`: by no other link. A failure leaves nothing. */
  async open(name: string, leadsNowhere: boolean): Promise<number> {
    const found = await this.#find(name);
    if (found !== undefined) return found.index;
    if (leadsNowhere) await this.#make(name, createDummy({ name }), "");
    else await this.#makeVlan(name);
    const made = await this.#find(name);
    if (made === undefined)
      throw systemError(`the requested parent interface ${name} was not found on the Docker host`);
    return made.index;
  }

  async #makeVlan(name: string): Promise<void> {
    const { parent, id } = readVlan(name);
    const link = await this.#find(parent);
    if (link === undefined) throw systemError(`-o parent interface was not found on the host: ${parent}`);
    await this.#make(
      name,
      createVlan({ name, parent: link.index }, id),
      `failed to create ${name} vlan link: `,
    );
  }

  /** It is for containers: the host itself shall have no address on it, not even the one that it would give itself. */
  async #make(name: string, creation: Uint8Array, failure: string): Promise<void> {
    try {
      await this.#executor.run([this.#talk(creation, [EEXIST])], never);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      throw systemError(`${failure}${wordsOf(error.code)}`, { cause: error });
    }
    try {
      const up = this.#talk(changeLink({ name, up: true }));
      await this.#executor.run([writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, "1"), up], never);
    } catch (error) {
      await this.remove(name);
      if (!(error instanceof PlanError)) throw error;
      const words = wordsOf(error.code);
      throw systemError(`failed to enable ${name} the ${this.#kind} parent link: ${words}`, { cause: error });
    }
  }

  /** Nothing if it is gone, or is not what this engine makes. */
  async remove(name: string): Promise<void> {
    const link = await this.#find(name);
    if (link?.kind !== "vlan" && link?.kind !== "dummy") return;
    await this.#executor.run(planLinkRemoval([name]), never);
  }

  async #find(name: string): Promise<Link | undefined> {
    const result = await this.#executor.run([this.#talk(getLink(name), [ENODEV])], never);
    return repliesOf(result)
      .map(decodeLink)
      .find((link) => link?.name === name);
  }

  #talk(message: Uint8Array, ignoreErrno: readonly number[] = []): Op {
    const why = `${this.#kind} parent link`;
    return { op: "netlink", why, protocol: NETLINK_ROUTE, messages: [message], ignoreErrno };
  }
}

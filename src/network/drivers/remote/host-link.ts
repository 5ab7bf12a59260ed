// The interface that a network plugin has made on the host for an endpoint: found, moved into the sandbox, and moved back.

import { systemError } from "#base/errors.ts";
import { holds, parsePrefix } from "#formats/ip-prefix.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { changeLink } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { type Op, type Plan, SLOT_BASE } from "#kernel/plan/ops.ts";
import { readSurvey, surveyPlan } from "../../bridge-survey.ts";
import type { Endpoint } from "../../controller.ts";
import { SANDBOX_SLOT } from "../../sandbox-plan.ts";
import { LINK_WHY } from "../driver.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
const ENODEV = 19;
/** Slots that no other step of a sandbox's plan uses. */
const HOST_SLOT = 10;
const INSIDE_SLOT = 11;

const LINK_LOCAL = parsePrefix("fe80::/10");

/** The number of the interface. Throws if there is none, or if it is what the host, or somebody else, uses. */
export async function findSource(
  executor: Pick<Executor, "run">,
  name: string,
  signal: AbortSignal,
): Promise<number> {
  const { links, addresses } = readSurvey(await executor.run(surveyPlan, signal));
  const link = links.find((other) => other.name === name);
  const failure = `failed to add interface ${name} to sandbox: `;
  if (link === undefined) throw systemError(`${failure}failed to get link by name "${name}": Link not found`);
  if (name === "lo") throw systemError(`${failure}it is the host's loopback`);
  if (link.master !== 0) throw systemError(`${failure}it is a port of another interface`);
  const isHosts = addresses.some(
    ({ linkIndex, address }) => linkIndex === link.index && !holds(LINK_LOCAL, address),
  );
  if (isHosts) throw systemError(`${failure}the host has an address on it`);
  return link.index;
}

const talk = (why: string, messages: readonly Uint8Array[], ignoreErrno: readonly number[] = []): Op => ({
  op: "netlink",
  why,
  protocol: NETLINK_ROUTE,
  messages,
  ignoreErrno,
});

/** By its number: whatever has its name by then is another. Run in the host's namespace with the sandbox's open in SANDBOX_SLOT. */
export const planMove = (
  source: { readonly name: string; readonly index: number },
  { interfaceName, macAddress }: Endpoint,
  newIndex: number,
): Plan => [
  talk(`${LINK_WHY}${source.name}`, [
    changeLink({ index: source.index, up: false, ...(macAddress !== "" && { macAddress }) }),
    changeLink({ index: source.index, name: interfaceName, netnsFd: SLOT_BASE + SANDBOX_SLOT, newIndex }),
  ]),
];

/** Back to the host under the name that it had there, and with its number if that is known and free. The process is in the sandbox at the end. */
export function planReturn(
  path: string,
  link: number,
  source: { readonly name: string; readonly index?: number },
): Plan {
  const back = { index: link, name: source.name, netnsFd: SLOT_BASE + HOST_SLOT };
  const why = `return ${source.name}`;
  return [
    { op: "open", why: "host network", path: "/proc/self/ns/net", flags: O_RDONLY, slot: HOST_SLOT },
    { op: "open", why: "sandbox", path, flags: O_RDONLY, slot: INSIDE_SLOT },
    { op: "setns", why: "network namespace", slot: INSIDE_SLOT, flags: CLONE_NEWNET },
    talk(why, [changeLink({ index: link, up: false })], [ENODEV]),
    ...(source.index === undefined
      ? []
      : [{ ...talk(why, [changeLink({ ...back, newIndex: source.index })]), mayFail: true }]),
    talk(why, [changeLink(back)], [ENODEV]),
  ];
}

// Network devices of the machine that move into the container's network namespace, with their lasting addresses.

import { invalid, unsupported } from "#base/errors.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { copyAddress, dumpAddresses } from "#formats/rtnetlink/addresses.ts";
import { changeLink, decodeLink, dumpLinks, NETNS_PID_OFFSET } from "#formats/rtnetlink/links.ts";
import type { Executor } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { isPrivate, readNamespaces } from "./namespaces.ts";

export interface NetDevice {
  readonly name: string;
  /** In the machine's namespace, and in the container's. */
  readonly index: number;
  readonly newIndex: number;
  /** Messages that give it its addresses there. */
  readonly addresses: readonly Uint8Array[];
}

/** Far from what the kernel gives by itself, so that it is free there. */
const FIRST_NEW_INDEX = 65_536;

/** Those that the specification names, as the runtime's network namespace has them. Throws `invalid` for one that is not there. */
export async function findNetDevices(
  { linux }: Spec,
  executor: Pick<Executor, "run">,
  signal: AbortSignal,
): Promise<readonly NetDevice[]> {
  const names = Object.keys(linux?.netDevices ?? {});
  if (names.length === 0) return [];
  const why = "linux.netDevices";
  const ask = (messages: readonly Uint8Array[]): Op => ({
    op: "netlink",
    why,
    protocol: NETLINK_ROUTE,
    messages,
  });
  const result = await executor.run([ask([dumpLinks()]), ask([dumpAddresses()])], signal);
  const replies = repliesOf(result);
  const links = replies.flatMap((reply) => decodeLink(reply) ?? []);
  return names.map((name) => {
    const index = links.find((link) => link.name === name)?.index;
    if (index === undefined) throw invalid(`link not found for interface ${name} on runtime namespace`);
    const newIndex = FIRST_NEW_INDEX + index;
    return {
      name,
      index,
      newIndex,
      addresses: replies.flatMap((reply) => copyAddress(reply, index, newIndex) ?? []),
    };
  });
}

/** In the child: the moves are the runtime's to make, the rest is done inside. */
export function planNetDevices({ linux }: Spec, found: readonly NetDevice[] | undefined): Plan {
  const wanted = Object.entries(linux?.netDevices ?? {});
  if (wanted.length === 0) return [];
  if (!isPrivate(readNamespaces(linux), "network"))
    throw invalid("unable to move network devices without a NET namespace");
  if (found === undefined) throw unsupported("linux.netDevices here");
  return wanted.flatMap(([name, settings]) => {
    const device = found.find((other) => other.name === name);
    if (device === undefined) throw invalid(`link not found for interface ${name} on runtime namespace`);
    return planDevice(device, settings.name || name);
  });
}

function planDevice({ name, index, newIndex, addresses }: NetDevice, newName: string): Plan {
  for (const each of [name, newName])
    if (!/^[^/:\s]{1,15}$/.test(each) || each === "." || each === "..")
      throw invalid(`invalid network device name "${each}"`);
  const at = { op: "netlink", why: `linux.netDevices ${name}`, protocol: NETLINK_ROUTE } as const;
  const move = changeLink({ index, name: newName, netnsPid: 0, newIndex });
  return [
    { ...at, host: true, messages: [changeLink({ index, up: false })] },
    { ...at, host: true, messages: [move], pidAt: NETNS_PID_OFFSET },
    { ...at, messages: [...addresses, changeLink({ index: newIndex, up: true })] },
  ];
}

// The options of an overlay network (-o) between engines that are told of each other.

import { createHash } from "node:crypto";
import { EngineError, invalid, unsupported } from "#base/errors.ts";
import { findAddress, formatAddress } from "#formats/ip-prefix.ts";
import type { NetworkSpec } from "../network-spec.ts";

export interface OverlayOptions {
  /** Addresses of all engines of the network; this engine's own may be among them. */
  readonly peers: readonly string[];
  /** Where this engine's frames come from; "" leaves it to the routes. */
  readonly local: string;
  readonly vxlanId: number;
  /** UDP, of all engines. */
  readonly port: number;
  readonly mtu: number;
}

const PEERS = "com.gantry.overlay.peers";
const ADDRESS = "com.gantry.overlay.address";
const PORT = "com.gantry.overlay.port";
const VXLAN_IDS = "com.docker.network.driver.overlay.vxlanid_list";
const MTU = "com.docker.network.driver.mtu";

const STANDARD_PORT = 4789;
const FIRST_ID = 4096;
const IDS = 2 ** 24;
/** What a frame is wrapped in: outer IP, UDP, vxlan and inner Ethernet headers. */
const WRAPPING = { 4: 50, 6: 70 } as const;

/** Throws for a network that cannot be made so. `underlayMtu`: of the links between the engines. */
export function readOverlayOptions(
  { name, options }: Pick<NetworkSpec, "name" | "options">,
  underlayMtu: number,
): OverlayOptions {
  if (options.encrypted !== undefined) throw unsupported("-o encrypted");
  const list = options[PEERS] ?? "";
  if (list === "")
    throw new EngineError(
      "forbidden",
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  const peers = list.split(",").map((text) => readAddress(PEERS, text));
  const families = new Set(peers.map(({ family }) => family));
  const [family = 4, ...more] = families;
  if (more.length > 0) throw invalid(`${PEERS}: addresses of both families: ${list}`);
  const local = options[ADDRESS] === undefined ? undefined : readAddress(ADDRESS, options[ADDRESS]);
  if (local !== undefined && local.family !== family)
    throw invalid(`${ADDRESS}: not of the family of the peers: ${options[ADDRESS]}`);
  return {
    peers: peers.map(formatAddress),
    local: local === undefined ? "" : formatAddress(local),
    vxlanId: readNumber(options, VXLAN_IDS, { from: 1, to: IDS - 1 }) ?? idOfName(name),
    port: readNumber(options, PORT, { from: 1, to: 65535 }) ?? STANDARD_PORT,
    mtu: readNumber(options, MTU, { from: 68, to: 65535 }) ?? underlayMtu - WRAPPING[family],
  };
}

function readAddress(label: string, text: string) {
  const address = findAddress(text.trim());
  if (address === undefined) throw invalid(`${label}: invalid IP address: ${text}`);
  return address;
}

function readNumber(
  options: NetworkSpec["options"],
  label: string,
  { from, to }: { readonly from: number; readonly to: number },
): number | undefined {
  const text = options[label];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < from || value > to)
    throw invalid(`${label}: not a number from ${from} to ${to}: ${text}`);
  return value;
}

/** The engines give a network the same name: so they agree, without a word. */
function idOfName(name: string): number {
  const number = createHash("sha256").update(name).digest().readUInt32BE();
  return FIRST_ID + (number % (IDS - FIRST_ID));
}

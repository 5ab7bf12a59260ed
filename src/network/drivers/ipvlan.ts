// The driver "ipvlan": endpoints share the MAC address of a host's link; it tells them apart by their IP addresses.

import { systemError } from "#base/errors.ts";
import { createIpvlan, IPVLAN_FLAGS, IPVLAN_MODES } from "#formats/rtnetlink/virtual-links.ts";
import type { NetworkSpec } from "../network-spec.ts";
import type { LinkKind } from "./parented-driver.ts";

type Options = NetworkSpec["options"];
type Mode = keyof typeof IPVLAN_MODES;
type Flag = keyof typeof IPVLAN_FLAGS;

const isMode = (text: string): text is Mode => Object.hasOwn(IPVLAN_MODES, text);
const isFlag = (text: string): text is Flag => Object.hasOwn(IPVLAN_FLAGS, text);

function modeOf({ ipvlan_mode: mode = "" }: Options): Mode {
  if (mode === "") return "l2";
  if (isMode(mode)) return mode;
  throw systemError(`requested ipvlan mode '${mode}' is not valid, 'l2' mode is the ipvlan driver default`);
}

function flagOf({ ipvlan_flag: flag = "" }: Options): Flag {
  if (flag === "") return "bridge";
  if (isFlag(flag)) return flag;
  throw systemError(`requested ipvlan flag '${flag}' is not valid, 'bridge' is the ipvlan driver default`);
}

export const ipvlan: LinkKind = {
  name: "ipvlan",
  dummyPrefix: "di-",
  check(options) {
    modeOf(options);
    flagOf(options);
  },
  conflict: (_network, other, parent) =>
    `network di-${other.id.slice(0, 12)} is already using parent interface ${parent}`,
  // On the third layer there are no neighbours to ask for a gateway: everything leaves by the link.
  exit: (options) => (modeOf(options) === "l2" ? "gateway" : "link"),
  ownsMac: () => false,
  create: (link, options) => createIpvlan(link, modeOf(options), flagOf(options)),
  macAddress(wanted) {
    if (wanted !== undefined)
      throw systemError("ipvlan interfaces do not support custom mac address assignment");
    return "";
  },
};

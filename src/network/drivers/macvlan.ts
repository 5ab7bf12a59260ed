// The driver "macvlan": endpoints are on the network of a host's link, each with a MAC address of its own.

import { randomBytes } from "node:crypto";
import { systemError } from "#base/errors.ts";
import { createMacvlan, MACVLAN_MODES } from "#formats/rtnetlink/virtual-links.ts";
import type { NetworkSpec } from "../network-spec.ts";
import type { LinkKind } from "./parented-driver.ts";

type Mode = keyof typeof MACVLAN_MODES;

const isMode = (text: string): text is Mode => Object.hasOwn(MACVLAN_MODES, text);

function modeOf({ macvlan_mode: mode = "" }: NetworkSpec["options"]): Mode {
  if (mode === "") return "bridge";
  if (isMode(mode)) return mode;
  throw systemError(
    `requested macvlan mode '${mode}' is not valid, 'bridge' mode is the macvlan driver default`,
  );
}

export const macvlan: LinkKind = {
  name: "macvlan",
  dummyPrefix: "dm-",
  check: (options) => void modeOf(options),
  conflict(network, other, parent) {
    if (modeOf(network.options) === "passthru")
      return `cannot use mode passthru, macvlan network ${other.id} is already using parent interface ${parent}`;
    if (modeOf(other.options) === "passthru")
      return `macvlan network ${other.id} is already using parent interface ${parent} in mode passthru`;
    return undefined;
  },
  exit: () => "gateway",
  ownsMac: (options) => modeOf(options) !== "passthru",
  create: (link, options) => createMacvlan(link, modeOf(options)),
  // Not made from the IP address: one that was given back a moment ago may still be on the parent, and the kernel wants each once.
  macAddress: (wanted) =>
    wanted ?? ["02", "42", ...(randomBytes(4).toString("hex").match(/../g) ?? [])].join(":"),
};

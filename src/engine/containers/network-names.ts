// The networks of a container by name.

import { containerOf } from "./namespace-modes.ts";
import type { ContainerRecord } from "./record.ts";

/** The name of the network of the container's mode: "default" is the bridge. */
export const networkName = ({ hostConfig }: Pick<ContainerRecord, "hostConfig">): string =>
  hostConfig.NetworkMode === "default" ? "bridge" : hostConfig.NetworkMode;

const predefined = new Set(["bridge", "host", "none", "default"]);

/** Every engine has it. */
export const isPredefined = (network: string): boolean => predefined.has(network);

/** `mode`: a network's name, or what else a container's mode can be. */
export const isUserDefined = (mode: string): boolean =>
  !isPredefined(mode) && containerOf(mode) === undefined;

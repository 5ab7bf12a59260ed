// The networks of a container by name.

import type { ContainerRecord } from "./record.ts";

/** The name of the network of the container's mode: "default" is the bridge. */
export const networkName = ({ hostConfig }: Pick<ContainerRecord, "hostConfig">): string =>
  hostConfig.NetworkMode === "default" ? "bridge" : hostConfig.NetworkMode;

export const isUserDefined = (network: string): boolean =>
  !["default", "bridge", "host", "none"].includes(network) && !network.startsWith("container:");

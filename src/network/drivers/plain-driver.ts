// "host" and "none": networks that make nothing.

import { EngineError } from "#base/errors.ts";
import type { DriverNetwork, NetworkDriver } from "./driver.ts";

export const nothing: DriverNetwork = {
  publishes: false,
  interfacePrefix: "",
  exit: "none",
  hostBinding: "",
  hasLink: false,
  planLink: () => ({ host: [] }),
  repair: async () => {},
  close: async () => {},
};

/** There is one network of each kind, which every engine has. */
export const plainDriver = (kind: "host" | "null"): NetworkDriver => ({
  ipam: "none",
  needsGateway: () => false,
  prepare: () =>
    Promise.reject(new EngineError("forbidden", `only one instance of "${kind}" network is allowed`)),
  checkConflict: () => {},
  open: async () => nothing,
  clear: async () => {},
});

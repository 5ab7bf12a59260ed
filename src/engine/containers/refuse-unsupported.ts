// No setting is accepted and ignored: what Gantry cannot obey yet is refused by name.

import { unsupported } from "#base/errors.ts";
import type { ContainerConfig, EndpointConfigs, HostConfig } from "#spec/container-config.ts";
import { configSupport, endpointSupport, hostConfigSupport, type Support } from "./fields.table.ts";

export function refuseUnsupported(
  config: ContainerConfig,
  hostConfig: HostConfig,
  endpoints: EndpointConfigs,
): void {
  refuse(configSupport, config);
  refuse(hostConfigSupport, hostConfig);
  for (const endpoint of Object.values(endpoints)) refuse(endpointSupport, endpoint);
}

function refuse(table: Readonly<Record<string, Support>>, values: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(values)) {
    const support = table[field];
    if (support?.startsWith("-") && !isZero(value)) throw unsupported(`${support} (${field})`);
  }
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

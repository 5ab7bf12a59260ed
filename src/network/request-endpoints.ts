// What endpoints are given before their interfaces are made: addresses, and what a process says that makes them.

import type { EndpointRequest } from "./controller.ts";
import type { JoinRequest } from "./drivers/driver.ts";
import { randomMac } from "./endpoint-values.ts";
import { MAC_OPTION } from "./ipam/ipam-driver.ts";
import type { LiveNetwork } from "./live-network.ts";
import type { Asked, Given } from "./plan-endpoints.ts";
import { encodeMac, type SandboxLabels, sandboxOptions } from "./sandbox-options.ts";

/** The sandbox that they are for. */
export interface EndpointHost extends SandboxLabels {
  readonly path: string;
}

/** For each request, in their order. All is given back with `undo`. */
export async function requestEndpoints(
  asked: readonly Asked[],
  host: EndpointHost,
  undo: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<readonly Given[]> {
  const given: Given[] = [];
  for (const { network, request } of asked) {
    const macAddress = request.macAddress ?? ((await network.needsMac(signal)) ? randomMac() : undefined);
    const wish = macAddress === undefined ? request : { ...request, macAddress };
    const addresses = await network.allocate(wish, signal);
    undo.defer(() => network.release(addresses));
    const { remote } = network.driver;
    if (remote === undefined) given.push({ addresses, ...(macAddress !== undefined && { macAddress }) });
    else {
      const own = { addresses: addresses.map(({ address }) => address), macAddress: macAddress ?? "" };
      const joined = await remote.join({ ...joinRequest(network, request, host), ...own }, signal);
      undo.defer(() => remote.leave(request.endpointId));
      given.push({ addresses, joined });
    }
  }
  return given;
}

function joinRequest(
  network: LiveNetwork,
  { endpointId, endpointName = endpointId, macAddress = "", driverOptions = {} }: EndpointRequest,
  host: EndpointHost,
): Omit<JoinRequest, "addresses" | "macAddress"> {
  const labels = sandboxOptions(host);
  return {
    ...{ endpointId, endpointName, path: host.path },
    options: {
      ...driverOptions,
      ...(macAddress !== "" && { [MAC_OPTION]: encodeMac(macAddress) }),
      // As dockerd: ports are not what an internal network is for.
      ...(network.record.internal ? {} : { ...labels, ...dnsOption(host) }),
    },
    sandboxOptions: labels,
  };
}

function dnsOption({ dns }: SandboxLabels): Readonly<Record<string, unknown>> {
  const servers = (dns?.upstreams ?? []).filter(({ fromHost }) => !fromHost).map(({ address }) => address);
  return servers.length === 0 ? {} : { "com.docker.network.endpoint.dnsservers": servers };
}

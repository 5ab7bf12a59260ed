// After a restart of the daemon: a sandbox that lives on has again what it had.

import { EngineError } from "#base/errors.ts";
import type { Attachments, Holding } from "./attachments.ts";
import type { Endpoint, Sandbox } from "./controller.ts";
import { targetOf } from "./endpoint-values.ts";
import type { LiveNetwork } from "./live-network.ts";
import type { PortPublisher } from "./ports/publish.ts";

export interface AdoptDeps {
  readonly attachments: Attachments;
  readonly ports: Pick<PortPublisher, "republish">;
  readonly networkOf: (nameOrId: string) => LiveNetwork;
  readonly warn: (message: string) => void;
}

/** `hostNameOf`: the interface of the host that belongs to an endpoint of ours. */
export async function adoptSandbox(
  deps: AdoptDeps,
  sandbox: Sandbox,
  hostNameOf: (endpoint: Endpoint) => string | undefined,
): Promise<void> {
  const holdings = new Map<string, Holding>();
  for (const endpoint of sandbox.endpoints) {
    const network = findNetwork(deps, endpoint);
    if (network === undefined) continue;
    const addresses = await retake(deps, sandbox, endpoint, network);
    const published = await deps.ports.republish(endpoint.ports, targetOf(endpoint, network.driver));
    const hostName = hostNameOf(endpoint);
    holdings.set(endpoint.endpointId, {
      ...{ network, addresses, published },
      ...(hostName !== undefined && { hostName }),
    });
  }
  deps.attachments.set({ sandbox, holdings });
}

function findNetwork(deps: AdoptDeps, { networkId, networkName }: Endpoint): LiveNetwork | undefined {
  try {
    return deps.networkOf(networkId);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    deps.warn(`network ${networkName} (${networkId}) is gone, and a running sandbox is on it`);
    return undefined;
  }
}

async function retake(
  { warn }: AdoptDeps,
  sandbox: Sandbox,
  { ipv4, ipv6 = "" }: Endpoint,
  network: LiveNetwork,
) {
  if (!network.givesAddresses) return [];
  const addresses = [];
  for (const address of [ipv4, ipv6].filter((text) => text !== "")) {
    const given = await network.retake(address);
    if (given !== undefined) addresses.push(given);
    else
      warn(
        `sandbox ${sandbox.id} has the address ${address}, which network ${network.record.name} does not offer`,
      );
  }
  return addresses;
}

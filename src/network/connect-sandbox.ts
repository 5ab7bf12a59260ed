// Connects a sandbox to the bridge: runs the plan, and once more when something was in its way.

import { systemError } from "#base/errors.ts";
import { parseIpv4 } from "#formats/ipv4.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { type Bridge, readGeneration } from "./bridge.ts";
import type { Endpoint } from "./controller.ts";
import { publicationsOf, vethNames } from "./endpoint-values.ts";
import { planBridgedSandbox, planLinkRemoval } from "./sandbox-plan.ts";
import type { SandboxRemover } from "./sandbox-remover.ts";

export interface ConnectDeps {
  readonly executor: Executor;
  readonly remover: SandboxRemover;
  readonly bridge: Bridge;
  readonly mtu: number;
  /** Called before a name for the host end is tried: a rebuild of the rules that comes between must not forget the ports. */
  readonly willUse: (hostName: string) => void;
}

export interface Connection {
  readonly path: string;
  readonly endpoint: Endpoint;
  /** The namespace is there already, and stays when connecting fails. */
  readonly isOpen: boolean;
  /** Host end of a removed sandbox with this address whose interfaces are not gone yet. */
  readonly predecessor?: string;
}

/** What a plan is given when it must run to its end whoever waits for it. */
const never = new AbortController().signal;

/** Once more after a repair when bridge or rules were gone, or with another name for the veth. A failure leaves nothing but an open namespace. */
export async function connectSandbox(deps: ConnectDeps, connection: Connection): Promise<void> {
  const { endpointId } = connection.endpoint;
  let repaired = false;
  for (const hostName of vethNames(endpointId)) {
    deps.willUse(hostName);
    const failure = await tryConnect(deps, connection, hostName);
    if (failure === undefined) return;
    const isMade = !failure.why.startsWith("veth");
    await takeBack(deps, connection, isMade ? hostName : undefined);
    if (failure.code === "EEXIST" && !isMade) continue;
    if (repaired) throw failure;
    repaired = true;
    await deps.bridge.repair(never);
  }
  throw systemError(`no free name for the interface of endpoint ${endpointId}`);
}

/** Not the interface, unless it is known to be ours: one of that name may be another's. It goes with its namespace. */
async function takeBack(
  { remover, executor }: ConnectDeps,
  { path, isOpen }: Connection,
  hostName: string | undefined,
): Promise<void> {
  if (!isOpen) await remover.removeNow([path]);
  else if (hostName !== undefined) await executor.run(planLinkRemoval([hostName]), never);
}

async function tryConnect(
  deps: ConnectDeps,
  connection: Connection,
  hostName: string,
): Promise<PlanError | undefined> {
  const { bridge, executor } = deps;
  const { path, endpoint, isOpen, predecessor } = connection;
  const rules = bridge.planPublish(publicationsOf(endpoint));
  const port = {
    bridgeIndex: bridge.index,
    mtu: deps.mtu,
    hairpin: bridge.hairpin,
    hostName,
    interfaceIndex: bridge.interfaceIndex,
    macAddress: endpoint.macAddress,
    address: parseIpv4(endpoint.ipv4),
    prefixLength: endpoint.prefixLength,
    gateway: bridge.gateway.address,
    ...(predecessor === undefined ? {} : { predecessor }),
    rules,
  };
  try {
    const generation = readGeneration(await executor.run(planBridgedSandbox(path, port, isOpen), never));
    if (generation === undefined || bridge.isSuspect(generation)) await bridge.check(never);
    return undefined;
  } catch (error) {
    if (error instanceof PlanError) return error;
    await takeBack(deps, connection, undefined);
    throw error;
  }
}

// Connects a sandbox to networks: runs the plan, and once more when something was in its way.

import { wordsOf } from "#base/errno-words.ts";
import { systemError } from "#base/errors.ts";
import { type Executor, PlanError } from "#kernel/plan/executor.ts";
import { LINK_WHY, type LinkPlan } from "./drivers/driver.ts";
import type { Firewall } from "./firewall/firewall.ts";
import { redirectFlows } from "./firewall/flows.ts";
import type { Publication } from "./firewall/published.ts";
import { readGeneration } from "./firewall/queries.ts";
import {
  planConnectedSandbox,
  planConnection,
  planDisconnection,
  type SandboxLink,
  type Wiring,
} from "./sandbox-plan.ts";
import type { SandboxRemover } from "./sandbox-remover.ts";

export interface ConnectDeps {
  readonly executor: Executor;
  readonly remover: Pick<SandboxRemover, "removeNow">;
  readonly rules: Pick<Firewall, "planPublish" | "planAnew" | "isSuspect" | "check" | "repair">;
}

/** `hostName`: of the interface that stays on the host. */
export interface PlacedLink extends SandboxLink, Pick<LinkPlan, "hostName" | "failure" | "undo"> {
  /** The interface is not removed, but goes back to where it came from. */
  readonly takeBack?: () => Promise<void>;
}

export interface Connection {
  readonly path: string;
  /** The namespace is there already, and stays when connecting fails. */
  readonly isOpen: boolean;
  /** The sandbox has been connected before, and runs. */
  readonly isRunning: boolean;
  readonly links: readonly PlacedLink[];
  readonly routes: Wiring["routes"];
  readonly publications: readonly Publication[];
}

/** What a plan is given when it must run to its end whoever waits for it. */
const never = new AbortController().signal;
const ATTEMPTS = 5;
/** What the kernel says of a name, or of a number, that another link has. */
const isTaken = new Set(["EEXIST", "EBUSY"]);

/**
 * `connectionOf` is called for each attempt, which counts from 0, before it is made: a rebuild of the rules that comes between must not forget the
 * ports. `repair`: the networks themselves. A failure leaves nothing but what was there.
 */
export async function connectSandbox(
  deps: ConnectDeps,
  connectionOf: (attempt: number) => Connection,
  repair: () => Promise<void>,
): Promise<void> {
  let repaired = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const connection = connectionOf(attempt);
    const failure = await tryConnect(deps, connection, repaired);
    if (failure === undefined) {
      await redirectFlows(deps.executor, connection.publications);
      return;
    }
    await takeBack(deps, connection, failure);
    if (isTaken.has(failure.code) && failure.why.startsWith(LINK_WHY)) continue;
    if (repaired) throw described(failure, connection);
    repaired = true;
    await repair();
    await deps.rules.repair();
  }
  throw systemError("no free name or number for an interface");
}

/** In the words of the driver whose link it is. */
function described(failure: PlanError, { links }: Connection): Error {
  const link = links.find(({ host }) => host.some(({ why }) => why === failure.why));
  return link?.failure === undefined
    ? failure
    : systemError(`${link.failure}: ${wordsOf(failure.code)}`, { cause: failure });
}

/** Not the link that could not be made: one of that name may be another's. */
async function takeBack(
  { remover, executor }: ConnectDeps,
  { path, isOpen, links }: Connection,
  failure: PlanError | undefined,
): Promise<void> {
  for (const { undo = [] } of links) if (undo.length > 0) await executor.run(undo, never);
  const failed = links.findIndex(({ host }) => host.some(({ why }) => why === failure?.why));
  const isMade = failed < 0 || failure?.why.startsWith(LINK_WHY) === false;
  const made = failed < 0 ? links : links.slice(0, isMade ? failed + 1 : failed);
  for (const { takeBack: giveBack } of made) await giveBack?.();
  if (!isOpen) return await remover.removeNow([path]);
  for (const link of made)
    if (link.takeBack === undefined) await executor.run(planDisconnection(path, link, []), never);
}

/** `anew`: the rules are sent whole, as somebody who flushes them again and again may have done so since they were repaired. */
async function tryConnect(
  deps: ConnectDeps,
  connection: Connection,
  anew: boolean,
): Promise<PlanError | undefined> {
  const { rules, executor } = deps;
  const { path, isOpen, isRunning, links, routes, publications } = connection;
  const wiring = { links, routes, rules: anew ? rules.planAnew() : rules.planPublish(publications) };
  const plan = isRunning ? planConnection(path, wiring) : planConnectedSandbox(path, wiring, isOpen);
  try {
    const generation = readGeneration(await executor.run(plan, never));
    if (anew) await rules.repair();
    else if (generation === undefined || rules.isSuspect(generation)) await rules.check();
    return undefined;
  } catch (error) {
    if (error instanceof PlanError) return error;
    if (!isOpen) await deps.remover.removeNow([path]);
    throw error;
  }
}

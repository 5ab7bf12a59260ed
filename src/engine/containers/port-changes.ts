// Ports that are published or withdrawn while a container is there: PublishAdd and PublishRemove of an update, which are Gantry's own.

import { EngineError, invalid } from "#base/errors.ts";
import type { BoundPort } from "#network/controller.ts";
import type { PortBinding, PortBindings } from "#spec/port-ranges.ts";
import { parsePort } from "./ports.ts";

/** As the request has them, with full keys: "80/tcp". */
export interface PortChanges {
  readonly add: PortBindings;
  /** "" stands for any address and port of the host. */
  readonly remove: PortBindings;
}

function complete(bindings: PortBindings): PortBindings {
  const all = new Map<string, readonly PortBinding[]>();
  for (const [key, list] of Object.entries(bindings)) {
    const { proto, first, last } = parsePort(key);
    if (first !== last) throw invalid(`invalid port specification: "${key}"`);
    const given = list === null || list.length === 0 ? [{ HostIp: "", HostPort: "" }] : list;
    const name = `${first}/${proto}`;
    all.set(name, [...(all.get(name) ?? []), ...given]);
  }
  return Object.fromEntries(all);
}

/** undefined if the request changes no ports. */
export function readPortChanges(request: {
  readonly PublishAdd?: PortBindings;
  readonly PublishRemove?: PortBindings;
}): PortChanges | undefined {
  const add = complete(request.PublishAdd ?? {});
  const remove = complete(request.PublishRemove ?? {});
  return Object.keys(add).length + Object.keys(remove).length === 0 ? undefined : { add, remove };
}

const isEvery = (hostIp: string): boolean => hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
const sameAddress = (wanted: string, hostIp: string): boolean =>
  wanted === "" || wanted === hostIp || (isEvery(wanted) && isEvery(hostIp));

const matches = (wanted: PortBinding, { HostIp, HostPort }: PortBinding): boolean =>
  sameAddress(wanted.HostIp, HostIp) && (wanted.HostPort === "" || wanted.HostPort === HostPort);

/** Those of the container's ports that the request names. Throws `invalid` for a part of a range that is published as one. */
export const findBound = (ports: readonly BoundPort[], { remove }: PortChanges): readonly BoundPort[] =>
  ports.filter((port) => {
    const { proto, containerPort, containerPortEnd = containerPort, hostIp, hostPort } = port;
    let named = 0;
    for (let at = 0; at <= containerPortEnd - containerPort; at++) {
      const shown = { HostIp: hostIp, HostPort: hostPort === 0 ? "" : String(hostPort + at) };
      if (remove[`${containerPort + at}/${proto}`]?.some((wanted) => matches(wanted, shown)) === true)
        named++;
    }
    if (named > 0 && named <= containerPortEnd - containerPort)
      throw invalid(`ports ${containerPort}-${containerPortEnd}/${proto} are published as one range`);
    return named > 0;
  });

/** What the container is to publish from now on, also at its next start. `bound`: what is withdrawn. Throws `notFound`, in the words of `docker port`, where
 *  nothing is. */
export function changeBindings(
  name: string,
  before: PortBindings,
  { add, remove }: PortChanges,
  bound: readonly BoundPort[],
): PortBindings {
  const next = new Map<string, readonly PortBinding[]>();
  for (const [key, list] of Object.entries(before)) next.set(key, list ?? []);
  for (const [key, wanted] of Object.entries(remove)) {
    const isBound = bound.some(({ containerPort, proto }) => `${containerPort}/${proto}` === key);
    const list = next.get(key) ?? [];
    const left = list.filter((binding) => wanted?.every((each) => !matches(each, binding)));
    if (left.length === list.length && !isBound)
      throw new EngineError("notFound", `No public port '${key}' published for ${name}`);
    // A port that was chosen when the container started stands there without a number.
    const chosen = left.length === list.length ? left.filter(({ HostPort }) => /^\d+$/.test(HostPort)) : left;
    if (chosen.length === 0) next.delete(key);
    else next.set(key, chosen);
  }
  for (const [key, list] of Object.entries(add)) next.set(key, [...(next.get(key) ?? []), ...(list ?? [])]);
  return Object.fromEntries(next);
}

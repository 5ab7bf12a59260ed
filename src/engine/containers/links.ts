// --link on the default bridge: a container (the parent) finds another one (the child) by an alias in its hosts file and environment.

import { EngineError, invalid, systemError } from "#base/errors.ts";
import type { HostsEntry } from "#network/etc-files.ts";
import type { HostConfig } from "#spec/container-config.ts";
import { endpointOn } from "./describe-network.ts";
import { linkVariables } from "./link-variables.ts";
import { containerOf } from "./namespace-modes.ts";
import { isUserDefined } from "./network-names.ts";
import { parseLink } from "./parse-link.ts";
import type { ContainerRecord, Link } from "./record.ts";
import type { Container, ContainerStore } from "./store.ts";

type Lookup = Pick<ContainerStore, "find">;

/** The containers that a new one is to be linked to. On user-defined networks the endpoints have their own links. */
export function resolveLinks(containers: Lookup, { Links, NetworkMode }: HostConfig): readonly Link[] {
  if (isUserDefined(NetworkMode)) return [];
  return (Links ?? []).map((text) => {
    const { name, alias } = parseLink(text);
    return { alias, container: findNetworkOwner(containers, name).id };
  });
}

function findNetworkOwner(containers: Lookup, reference: string): Container {
  const child = containers.find(reference);
  if (child === undefined)
    throw invalid(`could not get container for ${reference}: No such container: ${reference}`);
  const { NetworkMode: mode } = child.record.hostConfig;
  const owner = containerOf(mode);
  if (owner !== undefined) return findNetworkOwner(containers, owner);
  if (mode === "host")
    throw invalid(
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  return child;
}

interface Child {
  readonly alias: string;
  readonly container: Container;
}

/** Those that have not been removed. */
function childrenOf(containers: Lookup, { links = [] }: Pick<ContainerRecord, "links">): readonly Child[] {
  return links.flatMap(({ alias, container: id }) => {
    const container = containers.find(id);
    return container === undefined ? [] : [{ alias, container }];
  });
}

/** As inspect shows them: "/db:/web/database"; null if there are none. */
export function describeLinks(containers: Lookup, record: ContainerRecord): readonly string[] | null {
  const children = childrenOf(containers, record);
  if (children.length === 0) return null;
  return children.map(({ alias, container }) => `/${container.record.name}:/${record.name}/${alias}`);
}

/** Names that others have for a container, by its id: "/web/database". */
export function linkNames(containers: Pick<ContainerStore, "all">): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { record } of containers.all())
    for (const { alias, container } of record.links ?? [])
      names.set(container, [...(names.get(container) ?? []), `/${record.name}/${alias}`]);
  return names;
}

/** On the default bridge. */
const addressOf = ({ state }: Container): string => endpointOn(state, "bridge")?.ipv4 ?? "";

/** Lines of the parent's hosts file: each child that has an address, by its alias, host name and name. */
export const linkHosts = (containers: Lookup, record: ContainerRecord): readonly HostsEntry[] =>
  childrenOf(containers, record).flatMap(({ alias, container }) => {
    const { name, config } = container.record;
    const address = addressOf(container);
    const names = [alias, config.Hostname, ...(alias === name ? [] : [name])].join(" ");
    return address === "" ? [] : [{ address, names }];
  });

/** Variables that tell the parent of its children. Throws while one of them does not run. */
export function linkEnvironment(containers: Lookup, record: ContainerRecord): readonly string[] {
  if (record.hostConfig.NetworkMode === "none") return [];
  return childrenOf(containers, record).flatMap(({ alias, container }) => {
    const path = `/${record.name}/${alias}`;
    const { name, config } = container.record;
    if (!container.running) throw systemError(`Cannot link to a non running container: /${name} AS ${path}`);
    const address = addressOf(container);
    if (address === "") throw systemError(`container ${container.id} not attached to default bridge network`);
    return linkVariables(path, address, config);
  });
}

/** DELETE /containers/{parent/alias}?link=1. */
export function removeLink(containers: ContainerStore, reference: string): void {
  const [parentName = "", alias, ...more] = reference.replace(/^\//, "").split("/");
  if (containers.find(reference) === undefined)
    throw new EngineError("notFound", `No such container: ${reference}`);
  if (alias === undefined) throw invalid("Conflict, cannot remove the default link name of the container");
  const parent = more.length > 0 ? undefined : containers.find(parentName);
  if (parent === undefined) throw systemError(`Cannot get parent /${parentName} for link name /${reference}`);
  const links = (parent.record.links ?? []).filter((link) => link.alias !== alias);
  containers.saveRecord(parent, { links });
}

/** Parents that run find the child at its new address. */
export async function updateParents(
  deps: {
    readonly containers: Pick<ContainerStore, "all">;
    readonly rewriteHosts: (parent: Container) => Promise<void>;
  },
  child: Container,
): Promise<void> {
  for (const parent of deps.containers.all()) {
    const linked = parent.record.links?.some(({ container }) => container === child.id);
    if (linked && parent.running) await deps.rewriteHosts(parent);
  }
}

// The user namespace of a container: which ids of the machine it gets, and what does not go together with one of its own.

import { conflict, invalid, unsupported } from "#base/errors.ts";
import type { NamespaceOwner } from "#network/controller.ts";
import type { HostConfig } from "#spec/container-config.ts";
import type { IdMaps } from "#spec/id-maps.ts";
import type { IdMapping } from "#spec/oci-runtime.ts";
import { containerOf } from "./namespace-modes.ts";
import type { ContainerRecord } from "./record.ts";
import { namedRuntime } from "./runtimes.ts";
import type { ContainerStore } from "./store.ts";

export interface UserNamespaces {
  /** The daemon's own for containers that do not say otherwise (--userns-remap). */
  readonly remap: IdMaps | undefined;
  /** Ids of the machine for containers with a range of their own (--userns private), as they are now; throws if there are none. */
  readonly spare: () => IdMaps;
}

/** Ids that a container with a range of its own has. */
export const PRIVATE_SIZE = 65_536;

/** Whether a container with these settings can have the user namespace that it would get. */
export function checkUserNamespace(hostConfig: HostConfig, namespaces: UserNamespaces | undefined): void {
  const own = hostConfig.UsernsMode === "private";
  if (own) spareIds(namespaces);
  if (own || (hostConfig.UsernsMode !== "host" && namespaces?.remap !== undefined)) refuseShared(hostConfig);
}

/** What a container is mapped to; undefined: not at all. `taken`: the maps of all containers. A range of its own is free until its record is in the store: no await between. */
export function chooseIdMaps(
  { UsernsMode: mode }: HostConfig,
  namespaces: UserNamespaces | undefined,
  taken: () => readonly IdMaps[],
): IdMaps | undefined {
  if (mode === "host") return undefined;
  const remap = namespaces?.remap;
  if (mode !== "private") return remap;
  const others = remap === undefined ? taken() : [...taken(), remap];
  const ranges = spareIds(namespaces);
  const choose = (kind: "uids" | "gids"): readonly IdMapping[] => [
    freeRange(
      ranges[kind],
      others.flatMap((maps) => maps[kind]),
    ),
  ];
  return { uids: choose("uids"), gids: choose("gids") };
}

function spareIds(namespaces: UserNamespaces | undefined): IdMaps {
  if (namespaces === undefined) throw unsupported("--userns private");
  return namespaces.spare();
}

/** The first whole block of a range that no other has a part of. */
function freeRange(ranges: readonly IdMapping[], taken: readonly IdMapping[]): IdMapping {
  for (const { hostID: first, size } of ranges)
    for (let start = first; start + PRIVATE_SIZE <= first + size; start += PRIVATE_SIZE)
      if (
        taken.every(({ hostID, size: length }) => hostID + length <= start || start + PRIVATE_SIZE <= hostID)
      )
        return { containerID: 0, hostID: start, size: PRIVATE_SIZE };
  throw conflict(`no ${PRIVATE_SIZE} subordinate ids are left for a container with --userns private`);
}

/** In Docker's words, where it has any. */
function refuseShared(hostConfig: HostConfig): void {
  if (hostConfig.Privileged)
    throw invalid(
      "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
    );
  if (hostConfig.NetworkMode === "host")
    throw invalid("cannot share the host's network namespace when user namespaces are enabled");
  if (hostConfig.PidMode === "host")
    throw invalid("cannot share the host PID namespace when user namespaces are enabled");
  if (namedRuntime(hostConfig.Runtime).runtime !== undefined)
    throw unsupported(`--runtime ${hostConfig.Runtime} in a user namespace`);
  if ((hostConfig.Mounts ?? []).some(({ Type }) => Type === "image"))
    throw unsupported("--mount type=image in a user namespace");
}

/**
 * The user namespace of a container that is about to start; undefined: the machine's. A namespace can be used by the user namespace that owns it
 * only: who shares another container's shares that one's, too, and both must be mapped alike.
 */
export function planUserNamespace(
  containers: Pick<ContainerStore, "get">,
  { idMaps, hostConfig }: Pick<ContainerRecord, "idMaps" | "hostConfig">,
): NamespaceOwner | undefined {
  if (idMaps === undefined) return undefined;
  const { NetworkMode, IpcMode, PidMode } = hostConfig;
  const donors = [NetworkMode, IpcMode, PidMode]
    .flatMap((mode) => containerOf(mode) ?? [])
    .map((reference) => containers.get(reference));
  const other = donors.find(({ record }) => JSON.stringify(record.idMaps) !== JSON.stringify(idMaps));
  if (other !== undefined)
    throw conflict(
      `cannot share a namespace of container ${other.record.name}: it has another user namespace`,
    );
  const [first] = donors;
  return first === undefined ? { maps: idMaps } : { path: `/proc/${first.state.pid}/ns/user` };
}

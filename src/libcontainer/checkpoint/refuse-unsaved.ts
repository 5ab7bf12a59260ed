// What criu cannot save of a container, or we cannot give back.

import { unsupported } from "#base/errors.ts";
import type { Spec } from "#spec/oci-runtime.ts";

/** Path of the network namespace that the container has joined. */
export const joinedNetwork = (spec: Spec): string | undefined =>
  spec.linux?.namespaces?.find(({ type }) => type === "network")?.path || undefined;

/** Throws `unsupported`. */
export function refuseUnsaved(spec: Spec): void {
  if (spec.process?.terminal === true) throw unsupported("checkpoint of a container with a terminal");
  const joined = (spec.linux?.namespaces ?? []).find(({ type, path }) => type !== "network" && path);
  if (joined !== undefined)
    throw unsupported(`checkpoint of a container that joined a ${joined.type} namespace by path`);
}

/** The same for a container with a shim, which leaves less to its caller. */
export function refuseUnsavedTask(spec: Spec): void {
  refuseUnsaved(spec);
  // Both are lost by criu 3.17, which says nothing.
  if (spec.process?.noNewPrivileges === true)
    throw unsupported("checkpoint of a container with no-new-privileges");
  if (spec.root?.readonly === true) throw unsupported("checkpoint of a container with a read-only root");
  const has = (wanted: string): boolean =>
    spec.linux?.namespaces?.some(({ type }) => type === wanted) === true;
  if (has("user")) throw unsupported("checkpoint of a container with a user namespace");
  if (!has("pid")) throw unsupported("checkpoint of a container in the host's PID namespace");
  const shared = spec.mounts?.find(({ destination }) => destination === "/dev/shm");
  if (shared?.options?.some((option) => /^r?bind$/.test(option)))
    throw unsupported("checkpoint of a container that shares its /dev/shm");
}

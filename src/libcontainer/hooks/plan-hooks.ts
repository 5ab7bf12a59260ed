// Hooks: programs of whoever made the bundle, run at points of a container's life with its state on standard input.
//
//   creating   prestart, createRuntime     runtime's namespaces, in the bundle; the mounts of the container are made
//              createContainer             container's namespaces, the machine's files, in the root; before the pivot
//   created    startContainer              container's namespaces, files, user and confinement
//   running    poststart                   runtime's namespaces; a failure ends the container
//   stopped    poststop                    runtime's namespaces; nothing of the container is left
//
// The first four are part of the container's plan, so that a failure unwinds it; the last two are plans of their own.

import { posix } from "node:path";
import { invalid } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Hook, HookPoint, Spec } from "#spec/oci-runtime.ts";

export interface HookedContainer {
  readonly id: string;
  readonly spec: Spec;
  readonly bundle: string;
  /** For hooks that give none. */
  readonly environment?: readonly string[];
}

/** Of a container that is being made: the pid is known where the plan runs. */
export const planRuntimeHooks = (point: "prestart" | "createRuntime", container: HookedContainer): Plan =>
  planAt(point, container, { stdin: stateParts(container, "creating"), cwd: container.bundle }).map((op) => ({
    ...op,
    host: true,
  }));

export const planCreateContainerHooks = (container: HookedContainer): Plan =>
  planAt("createContainer", container, { stdin: stateParts(container, "creating") });

/** Without an environment of their own they get the program's, as runc has it. */
export const planStartContainerHooks = (container: HookedContainer, environment: readonly string[]): Plan =>
  planAt("startContainer", { ...container, environment }, { stdin: stateParts(container, "created") });

/** A plan for the host, where the runtime was called; run it when the program has been started. If it fails, the container is killed. */
export const planPoststartHooks = (container: HookedContainer, initPid: number): Plan =>
  planAt("poststart", container, {
    stdin: [stateText(container, "running", initPid)],
    cwd: container.bundle,
  });

/** A plan for the host; run it when all else of the container is removed. The first failure ends it. */
export const planPoststopHooks = (container: HookedContainer): Plan =>
  planAt("poststop", container, { stdin: [stateText(container, "stopped")], cwd: container.bundle });

interface Given {
  readonly stdin: readonly string[];
  readonly cwd?: string;
}

const planAt = (point: HookPoint, container: HookedContainer, given: Given): readonly Op[] =>
  (container.spec.hooks?.[point] ?? []).map((hook, index) => ({
    op: "spawn",
    why: `error running ${point} hook #${index}`,
    path: pathOf(hook, point, index),
    argv: hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args,
    env: hook.env === undefined || hook.env.length === 0 ? (container.environment ?? []) : hook.env,
    timeoutMs: (hook.timeout ?? 0) * 1000,
    ...given,
  }));

function pathOf({ path }: Hook, point: HookPoint, index: number): string {
  if (!posix.isAbsolute(path)) throw invalid(`hooks.${point}[${index}].path must be absolute: ${path}`);
  return path;
}

/** The state, cut where the pid belongs. */
function stateParts(container: HookedContainer, status: string): readonly string[] {
  const { before, after } = stateAround(container, status);
  return [`${before},"pid":`, after];
}

/** A container that has ended has no pid. */
function stateText(container: HookedContainer, status: string, pid?: number): string {
  const { before, after } = stateAround(container, status);
  return pid === undefined ? `${before}${after}` : `${before},"pid":${pid}${after}`;
}

function stateAround(
  { id, spec, bundle }: HookedContainer,
  status: string,
): { readonly before: string; readonly after: string } {
  const { ociVersion, annotations = {} } = spec;
  const hasAnnotations = Object.keys(annotations).length > 0;
  const before = JSON.stringify({ ociVersion, id, status }).slice(0, -1);
  const after = JSON.stringify({ bundle, ...(hasAnnotations && { annotations }) }).slice(1);
  return { before, after: `,${after}` };
}

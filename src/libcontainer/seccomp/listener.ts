// SCMP_ACT_NOTIFY: the kernel hands calls to whoever holds the filter's listener, and that is sent to the socket of the profile.
//
// The setup itself lives under the filter from here on. It says by `write` that the listener is there, as runc does, so that this call
// alone may not be handed over: nobody could answer it yet.

import { invalid, unsupported } from "#base/errors.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import type { Seccomp, Spec } from "#spec/oci-runtime.ts";
import { ROOT_SLOT } from "../slots.ts";
import { NOTIFY } from "./actions.ts";

/** Whether there is something to listen to. */
export function checkListener(seccomp: Seccomp): boolean {
  const { defaultAction, syscalls = [], listenerPath = "", listenerMetadata = "" } = seccomp;
  if (defaultAction === NOTIFY)
    throw invalid(`unable to init seccomp: ${NOTIFY} cannot be used as default action`);
  const handed = syscalls.filter(({ action }) => action === NOTIFY);
  if (handed.some(({ names }) => names.includes("write")))
    throw invalid(`unable to init seccomp: ${NOTIFY} cannot be used for the write syscall`);
  if (handed.length > 0 && listenerPath === "") throw invalid("seccomp listenerPath is not set");
  if (listenerMetadata !== "" && listenerPath === "")
    throw invalid("seccomp listenerMetadata is set, but listenerPath is not");
  return handed.length > 0;
}

/** Free once the root file system is complete. */
export const LISTENER_SLOT = ROOT_SLOT;

/** How the listener comes to who runs the host operations: it has the right to take it, it is let to, or it is sent. That one call of
 *  sendmsg nobody could answer yet, either. */
export type Handover = "taken" | "offered" | "sent";

export interface ListenedContainer {
  readonly id: string;
  readonly spec: Spec;
  readonly bundle: string;
  /** Of the init, if another process is to be listened to. */
  readonly initPid?: number;
  readonly handover: Handover;
}

/** Sends the listener with the specification's ContainerProcessState. `$` stands for the pid of the process, known only when it lives. */
export function planListener(container: ListenedContainer): Plan {
  const { listenerPath: path = "", syscalls = [] } = container.spec.linux?.seccomp ?? {};
  const why = `seccomp agent ${path}`;
  const slot = LISTENER_SLOT;
  const pass = { op: "passFd", why, host: true, path, slot, parts: describeProcess(container) } as const;
  if (container.handover !== "sent") return [pass];
  if (syscalls.some(({ action, names }) => action === NOTIFY && names.includes("sendmsg")))
    throw unsupported(`${NOTIFY} of sendmsg in a process that a rootless command starts`);
  return [
    { op: "sendFd", why, slot, kept: true },
    { ...pass, sent: true },
  ];
}

/** JSON, cut where the pid belongs. */
function describeProcess({ id, spec, bundle, initPid }: ListenedContainer): readonly string[] {
  const { ociVersion, annotations = {} } = spec;
  const { listenerMetadata = "" } = spec.linux?.seccomp ?? {};
  const hasAnnotations = Object.keys(annotations).length > 0;
  const status = initPid === undefined ? "creating" : "running";
  const inner = (fields: object): string => JSON.stringify(fields).slice(1, -1);
  const before = `{${inner({ ociVersion, fds: ["seccompFd"] })},"pid":`;
  const between = `${listenerMetadata === "" ? "" : `,${inner({ metadata: listenerMetadata })}`},"state":{${inner({ ociVersion, id, status })},"pid":`;
  const after = `,${inner({ bundle, ...(hasAnnotations && { annotations }) })}}}`;
  return initPid === undefined ? [before, between, after] : [before, `${between}${initPid}${after}`];
}

// NOTIFY_SOCKET (sd_notify(3)): the container gets a socket of its own at /run/notify, and that it is ready is passed on by a process
// of the caller's, because a service manager believes those of the service alone.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Spec } from "#spec/oci-runtime.ts";
import type { Caller } from "./caller.ts";
import { type ContainerState, readProcess } from "./containers.ts";
import type { Deps } from "./create.ts";

const SOCKET = "notify.sock";
const INSIDE = "/run/notify";

const listening = ({ env }: Pick<Caller, "env">): string => env.NOTIFY_SOCKET ?? "";
const folderOf = (stateDir: string): string => join(stateDir, "notify");

/** Makes the folder that the socket comes to lie in. */
export function withNotifySocket(caller: Pick<Caller, "env">, spec: Spec, stateDir: string): Spec {
  if (listening(caller) === "" || spec.process === undefined) return spec;
  const source = folderOf(stateDir);
  mkdirSync(source, { mode: 0o755 });
  const options = ["bind", "nosuid", "noexec", "nodev", "ro"];
  return {
    ...spec,
    mounts: [...(spec.mounts ?? []), { destination: INSIDE, source, options }],
    process: { ...spec.process, env: [...(spec.process.env ?? []), `NOTIFY_SOCKET=${INSIDE}/${SOCKET}`] },
  };
}

/** Listens; before the program can speak. The result is awaited by a command that does not stay: until the container is ready or has
 *  ended. The manager is then told which process is the service's. */
export async function relayReadiness(
  { caller, containers, signal }: Deps,
  { id, initPid }: ContainerState,
  { stays }: { readonly stays: boolean },
): Promise<() => Promise<void>> {
  const folder = folderOf(containers.directory(id));
  if (listening(caller) === "" || !existsSync(folder)) return async () => {};
  const path = join(folder, SOCKET);
  const why = "NOTIFY_SOCKET";
  const relay = { op: "relayReadiness", why, path, to: listening(caller), pid: initPid } as const;
  const result = await caller.executor.run([{ ...relay, main: stays ? 0 : initPid }], signal);
  const pid = Buffer.from(result.get(0)?.[0] ?? []).readUInt32LE();
  const startTime = readProcess(pid)?.startTime;
  return async () => {
    for (;;) {
      const found = readProcess(pid);
      if (found === undefined || found.startTime !== startTime || /[ZX]/.test(found.state)) return;
      await delay(10, undefined, { signal });
    }
  };
}

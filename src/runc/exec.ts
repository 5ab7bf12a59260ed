import { readFileSync } from "node:fs";
import { invalid } from "#base/errors.ts";
import { subCgroup } from "#kernel/cgroups/sub-cgroup.ts";
import { compileExec, type ExecOptions } from "#libcontainer/compile-exec.ts";
import type { Process, ProcessUser } from "#spec/oci-runtime.ts";
import { decodeProcess } from "#spec/oci-runtime-decode.ts";
import { readDocument } from "./bundle.ts";
import { type Caller, callerPath } from "./caller.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";
import type { ContainerState } from "./containers.ts";
import { type Deps, readPidfdSocket, readStreams, writePidFile } from "./create.ts";
import { CommandFailure, messageOf, startFailure } from "./failures.ts";
import { readStatus } from "./status.ts";

/** runc's exit code for a process that could not be started. */
const FAILED = 255;

export async function execCommand(deps: Deps, given: Given, args: readonly string[]): Promise<number> {
  try {
    return await execProcess(deps, given, args);
  } catch (error) {
    throw new CommandFailure(`exec failed: ${messageOf(error)}`, { code: FAILED, cause: error });
  }
}

async function execProcess(deps: Deps, given: Given, [id = "", ...args]: readonly string[]): Promise<number> {
  const state = deps.containers.get(id);
  const status = readStatus(deps, state);
  if (status === "stopped") throw invalid("cannot exec in a stopped container");
  if (status === "paused" && !isOn(given, "ignore-paused"))
    throw invalid("cannot exec in a paused container (use --ignore-paused to override)");
  const process = decideProcess(deps.caller, state.spec.process, { given, args });
  const foreground = !isOn(given, "detach");
  const streams = readStreams(given, { process }, { foreground });
  const { host } = deps.runtime;
  const warnings: string[] = [];
  const plan = compileExec(state.spec, process, {
    id: state.id,
    initPid: state.initPid,
    bundle: state.bundle,
    host,
    ...planPlace(state, given),
    ...readPidfdSocket(deps.caller, given),
    preservedFds: streams.preservedFds,
    consoleSocket: streams.consoleSocket,
    warn: (message) => warnings.push(message),
  });
  for (const warning of warnings) await deps.log.tell("warning", warning);
  try {
    const child = await deps.caller.spawn({ plan, ...streams });
    writePidFile(deps.caller, given, child.pid);
    return foreground ? await child.wait() : 0;
  } catch (error) {
    throw startFailure(error, process.args?.[0] ?? "");
  }
}

/** The container's cgroup, or that of --cgroup below it. */
function planPlace({ placement: { cgroup } }: ContainerState, given: Given): Pick<ExecOptions, "cgroup"> {
  return cgroup === undefined ? {} : { cgroup: subCgroup(cgroup, given.get("cgroup") ?? []) };
}

/** The container's own process with another program, or the file of --process. */
function decideProcess(
  caller: Caller,
  base: Process | undefined,
  { given, args }: { readonly given: Given; readonly args: readonly string[] },
): Process {
  const path = lastOf(given, "process");
  if (path !== undefined) return readDocument(readFileSync(callerPath(caller, path), "utf8"), decodeProcess);
  if (base === undefined || args.length === 0) throw invalid("process args cannot be empty");
  const { consoleSize: _size, capabilities, ...rest } = base;
  const added = given.get("cap") ?? [];
  const process: Process = {
    ...rest,
    args,
    terminal: isOn(given, "tty"),
    cwd: lastOf(given, "cwd") ?? base.cwd,
    env: [...(base.env ?? []), ...(given.get("env") ?? [])],
    user: decideUser(base.user, given),
    ...(given.has("no-new-privs") ? { noNewPrivileges: isOn(given, "no-new-privs") } : {}),
    ...readLabels(given),
  };
  return capabilities === undefined
    ? process
    : { ...process, capabilities: addCapabilities(capabilities, added) };
}

function readLabels(given: Given): Pick<Process, "apparmorProfile" | "selinuxLabel"> {
  const apparmorProfile = lastOf(given, "apparmor") ?? "";
  const selinuxLabel = lastOf(given, "process-label") ?? "";
  return {
    ...(apparmorProfile !== "" && { apparmorProfile }),
    ...(selinuxLabel !== "" && { selinuxLabel }),
  };
}

function decideUser(base: ProcessUser | undefined, given: Given): ProcessUser {
  const [uid = "0", gid] = (lastOf(given, "user") ?? "").split(":");
  const start = base ?? { uid: 0, gid: 0 };
  const user = given.has("user")
    ? { ...start, uid: parseId(uid), ...(gid !== undefined && { gid: parseId(gid) }) }
    : start;
  const groups = given.get("additional-gids") ?? [];
  return groups.length === 0
    ? user
    : { ...user, additionalGids: [...(user.additionalGids ?? []), ...groups.map(parseId)] };
}

function parseId(text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(`parsing ${text} as int for uid failed: invalid syntax`);
  return Number(text);
}

type Capabilities = NonNullable<Process["capabilities"]>;

function addCapabilities(base: Capabilities, added: readonly string[]): Capabilities {
  if (added.length === 0) return base;
  const joined = (set: readonly string[] = []): readonly string[] => [...new Set([...set, ...added])];
  return {
    ...base,
    bounding: joined(base.bounding),
    effective: joined(base.effective),
    permitted: joined(base.permitted),
  };
}

// The daemon's settings for containers that do not say otherwise.

import { DecodeError, number, object, record, string } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { parseBinarySize } from "#formats/units.ts";
import type { GivenValues } from "./given-values.ts";

interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** What a container gets that does not say otherwise; "" and undefined are Docker's own defaults. */
export interface ContainerDefaults {
  readonly cgroupParent: string;
  readonly cgroupnsMode: string;
  readonly ipcMode: string;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  readonly noNewPrivileges: boolean;
  readonly runtime: string;
  /** A file, "builtin" or "unconfined". */
  readonly seccompProfile: string;
  readonly shmSize?: number;
  /** Seconds. */
  readonly stopTimeout: number;
  readonly ulimits: readonly Ulimit[];
}

/** Throws `invalid` for values that cannot be read. */
export function readContainerDefaults(values: GivenValues): ContainerDefaults {
  const shmSize = readSize("default-shm-size", values.text("default-shm-size", ""));
  return {
    cgroupParent: values.text("cgroup-parent", ""),
    cgroupnsMode: values.text("default-cgroupns-mode", ""),
    ipcMode: values.text("default-ipc-mode", ""),
    logDriver: values.text("log-driver", ""),
    logOptions: decodeLogOptions(values.given.get("log-opt") ?? {}, "log-opts"),
    noNewPrivileges: values.truth("no-new-privileges"),
    runtime: values.text("default-runtime", "runc"),
    seccompProfile: values.text("seccomp-profile", "builtin"),
    ...(shmSize !== undefined && { shmSize }),
    stopTimeout: values.number("default-stop-timeout", 10),
    ulimits: decodeUlimits(values.given.get("default-ulimit") ?? {}),
  };
}

const decodeLogOptions = record(string);
const decodeUlimit = object({ Name: string, Hard: number, Soft: number }, {});

function decodeUlimits(value: unknown): readonly Ulimit[] {
  try {
    return Object.values(record(decodeUlimit)(value, "default-ulimits"));
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(error.message, { cause: error });
    throw error;
  }
}

function readSize(name: string, text: string): number | undefined {
  if (text === "") return undefined;
  const size = parseBinarySize(text);
  if (size === undefined)
    throw invalid(`invalid argument "${text}" for "--${name}" flag: invalid size: '${text}'`);
  return size;
}

/** Throws `invalid` in dockerd's words. */
export function checkContainerDefaults({ ipcMode, cgroupnsMode }: ContainerDefaults): void {
  if (!["", "private", "shareable"].includes(ipcMode))
    throw invalid(`IPC mode "${ipcMode}" is not supported as default value; use "shareable" or "private"`);
  if (!["", "private", "host"].includes(cgroupnsMode))
    throw invalid(`invalid default cgroup namespace (${cgroupnsMode}): use "host" or "private"`);
}

// Small values of run's flags: devices, limits, labels, restart policies.

import { parseBinarySize } from "#formats/units.ts";
import type { RestartPolicy, ThrottleDevice } from "#spec/engine-api/definitions.table.ts";

/** "a=b=c" to ["a", "b=c"]; a key alone has the value "". */
export function splitPair(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** As `splitPair`, but the name must not be empty. */
export function parseLabel(text: string): readonly [string, string] {
  const [name, value] = splitPair(text);
  if (name === "") throw new Error(`invalid label '${text}': empty name`);
  return [name, value];
}

export const toRecord = (pairs: Iterable<readonly [string, string]>): Readonly<Record<string, string>> =>
  Object.fromEntries(pairs);

/** "/dev/sda:1mb" or "/dev/sda:1000". */
export const parseThrottle =
  (unit: "bytes" | "operations") =>
  (text: string): ThrottleDevice => {
    const colon = text.lastIndexOf(":");
    const path = text.slice(0, colon);
    const amount = text.slice(colon + 1);
    if (colon <= 0) throw new Error(`bad format: ${text}`);
    if (!path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
    const rate =
      unit === "bytes" ? parseBinarySize(amount) : /^\d+$/.test(amount) ? Number(amount) : undefined;
    if (rate !== undefined) return { Path: path, Rate: rate };
    const form =
      unit === "bytes"
        ? "<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
        : "<number>. Number must be a positive integer";
    throw new Error(`invalid rate for device: ${text}. The correct format is <device-path>:${form}`);
  };

/** "/dev/sda:200". */
export function parseWeight(text: string): { readonly Path: string; readonly Weight: number } {
  const match = /^(\/dev\/[^:]+):(\d+)$/.exec(text);
  if (match === null) throw new Error(`bad format: ${text}`);
  const weight = Number(match[2]);
  if (weight !== 0 && (weight < 10 || weight > 1000)) throw new Error(`invalid weight for device: ${text}`);
  return { Path: match[1] ?? "", Weight: weight };
}

const LIMITS = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);

const NAMESPACED =
  /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|net\.|fs\.mqueue\.)/;

/** "net.core.somaxconn=10"; only what has its own value in a container's namespaces. */
export function parseSysctl(text: string): readonly [string, string] {
  const [name = ""] = text.split("=");
  if (!text.includes("=") || !NAMESPACED.test(name)) throw new Error(`sysctl '${text}' is not allowed`);
  return parseLabel(text);
}

/** "nofile=1024[:2048]". */
export function parseUlimit(text: string): {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
} {
  const [, name = "", soft, hard] = /^([^=]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (soft === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!LIMITS.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const [low, high] = [Number(soft), Number(hard ?? soft)];
  if (high !== -1 && (low > high || low === -1))
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${low} > ${high}`);
  return { Name: name, Soft: low, Hard: high };
}

/** "no", "always", "unless-stopped", "on-failure[:3]"; what is unknown is for the daemon to refuse. */
export function parseRestart(text: string): RestartPolicy {
  const [name = "", count, ...more] = text.split(":");
  if (text !== "" && name === "")
    throw new Error("invalid restart policy format: no policy provided before colon");
  if (more.length > 0 || (count !== undefined && !/^[+-]?\d+$/.test(count)))
    throw new Error(`invalid restart policy format: maximum retry count must be an integer`);
  return { Name: name, MaximumRetryCount: Number(count ?? 0) };
}

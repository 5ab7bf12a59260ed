// The flags of checkpoint and restore, in criu's words.

import { invalid, unsupported } from "#base/errors.ts";
import { type Given, isOn, lastOf } from "./command-line.ts";

const cgroupModes: readonly string[] = ["soft", "full", "strict", "ignore"];

/** Flags that both directions know. */
function commonOptions(given: Given): readonly string[] {
  const mode = lastOf(given, "manage-cgroups-mode") || "soft";
  if (!cgroupModes.includes(mode)) throw invalid("Invalid manage cgroups mode");
  return [
    `--manage-cgroups=${mode}`,
    ...["tcp-established", "ext-unix-sk", "shell-job", "file-locks", "auto-dedup", "lazy-pages"]
      .filter((name) => isOn(given, name))
      .map((name) => `--${name}`),
    ...emptyNamespaces(given),
  ];
}

function emptyNamespaces(given: Given): readonly string[] {
  const names = given.get("empty-ns") ?? [];
  const other = names.find((name) => name !== "network");
  if (other !== undefined) throw invalid(`namespace "${other}" is not supported`);
  return names.length === 0 ? [] : ["--empty-ns", "net"];
}

export function dumpOptions(given: Given): readonly string[] {
  if (Number(lastOf(given, "status-fd") ?? -1) !== -1) throw unsupported("--status-fd");
  const parent = lastOf(given, "parent-path") ?? "";
  return [
    ...commonOptions(given),
    ...(parent === "" ? [] : ["--prev-images-dir", parent]),
    ...(isOn(given, "pre-dump") || parent !== "" ? ["--track-mem"] : []),
    ...pageServer(given),
  ];
}

function pageServer(given: Given): readonly string[] {
  const text = lastOf(given, "page-server") ?? "";
  if (text === "") return [];
  const [, address, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  if (address === undefined || port === undefined)
    throw invalid("Use --page-server ADDRESS:PORT to specify page server");
  return ["--page-server", "--address", address, "--port", port];
}

export function restoreOptions(given: Given): readonly string[] {
  const security = ["lsm-profile", "lsm-mount-context"] as const;
  return [
    ...commonOptions(given),
    ...security.flatMap((name) => (lastOf(given, name) ? [`--${name}`, lastOf(given, name) ?? ""] : [])),
  ];
}

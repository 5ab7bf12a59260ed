// --device and --gpus: devices of the host, devices by their CDI names, and GPUs.

import type { DeviceMapping, DeviceRequest } from "#spec/engine-api/definitions.table.ts";
import { parseInteger } from "../grammar/flags.ts";
import { splitFields } from "./mounts.ts";
import { splitPair, toRecord } from "./settings.ts";

/** "vendor.com/class=name". */
const isCdiName = (text: string): boolean =>
  /^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$/.test(text);

export interface Devices {
  readonly mappings: readonly DeviceMapping[];
  readonly requests: readonly DeviceRequest[];
}

/** What --device and --gpus ask for together. */
export function chooseDevices(texts: readonly string[], gpus: readonly DeviceRequest[]): Devices {
  const names = texts.filter(isCdiName);
  return {
    mappings: texts.filter((text) => !isCdiName(text)).map(parseDevice),
    requests: [...gpus, ...(names.length === 0 ? [] : [{ Driver: "cdi", DeviceIDs: names }])],
  };
}

/** "/dev/sda[:/dev/xvda][:rwm]". */
function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  const [source = "", second = "", third] = parts;
  const isMode = (mode: string): boolean => /^[rwm]+$/.test(mode) && new Set(mode).size === mode.length;
  if (source === "" || parts.length > 3) throw new Error(`invalid device specification: ${text}`);
  if (!source.startsWith("/")) throw new Error(`${text} is not an absolute path`);
  if (third !== undefined) {
    if (!isMode(third)) throw new Error(`${text} bad mode specified: ${third}`);
    return { PathOnHost: source, PathInContainer: second, CgroupPermissions: third };
  }
  if (second !== "" && isMode(second))
    return { PathOnHost: source, PathInContainer: source, CgroupPermissions: second };
  return { PathOnHost: source, PathInContainer: second === "" ? source : second, CgroupPermissions: "rwm" };
}

/** "all", "2", or "device=0,capabilities=utility". Throws an Error in Docker's words. */
export function parseGpus(text: string): DeviceRequest {
  const given = new Map<string, string>();
  for (const field of splitFields(text)) {
    const [key, value] = field.includes("=") ? splitPair(field) : (["count", field] as const);
    if (given.has(key)) throw new Error(`gpu request key '${key}' can be specified only once`);
    if (!["driver", "count", "device", "capabilities", "options"].includes(key))
      throw new Error(`unexpected key '${key}' in '${field}'`);
    given.set(key, value);
  }
  const list = (key: string): readonly string[] => given.get(key)?.split(",") ?? [];
  const ids = list("device");
  const count = given.get("count");
  return {
    Driver: given.get("driver") ?? "",
    Count: count === undefined ? (ids.length === 0 ? 1 : 0) : parseCount(count),
    ...(ids.length > 0 && { DeviceIDs: ids }),
    Capabilities: [[...list("capabilities"), "gpu"]],
    Options: toRecord(list("options").map(splitPair)),
  };
}

function parseCount(text: string): number {
  if (text === "all") return -1;
  try {
    return parseInteger(text);
  } catch (cause) {
    throw new Error(`invalid count (${text}): value must be either "all" or an integer`, { cause });
  }
}

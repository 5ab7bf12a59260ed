// Mounts what a volume's options name onto its directory, as mount(8) reads them. Words that are no flag go to the file system; the host
// names of network file systems, which the kernel does not look up, are looked up here.

import { isIP, isIPv4 } from "node:net";
import { systemError } from "#base/errors.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { VolumeDevice } from "./local-options.ts";

/** The first address of a host. */
export type LookUp = (host: string) => Promise<string>;

const MS_RDONLY = 1;
const MS_BIND = 1 << 12;
const MS_REC = 1 << 14;
const MS_REMOUNT = 32;
/** Flags that mount(8) takes for words: what each sets, and what it clears. */
const flagWords = new Map<string, { readonly set?: number; readonly clear?: number }>(
  Object.entries({
    defaults: {},
    ro: { set: MS_RDONLY },
    rw: { clear: MS_RDONLY },
    nosuid: { set: 2 },
    suid: { clear: 2 },
    nodev: { set: 4 },
    dev: { clear: 4 },
    noexec: { set: 8 },
    exec: { clear: 8 },
    sync: { set: 16 },
    async: { clear: 16 },
    remount: { set: MS_REMOUNT },
    mand: { set: 64 },
    nomand: { clear: 64 },
    dirsync: { set: 128 },
    noatime: { set: 1024 },
    atime: { clear: 1024 },
    nodiratime: { set: 2048 },
    diratime: { clear: 2048 },
    bind: { set: MS_BIND },
    rbind: { set: MS_BIND | MS_REC },
    relatime: { set: 1 << 21 },
    norelatime: { clear: 1 << 21 },
    strictatime: { set: 1 << 24 },
    nostrictatime: { clear: 1 << 24 },
  }),
);
const MS_UNBINDABLE = 1 << 17;
const MS_PRIVATE = 1 << 18;
const MS_SLAVE = 1 << 19;
const MS_SHARED = 1 << 20;
/** Each also with "r" in front: of all that is mounted below, too. */
const propagationWords = new Map([
  ["unbindable", MS_UNBINDABLE],
  ["private", MS_PRIVATE],
  ["slave", MS_SLAVE],
  ["shared", MS_SHARED],
]);

interface Words {
  readonly flags: number;
  /** MS_* with MS_REC, or 0. */
  readonly propagation: number;
  readonly data: string;
}

function readWords(options: string): Words {
  const data: string[] = [];
  let [flags, propagation] = [0, 0];
  for (const word of options.split(",")) {
    const flag = flagWords.get(word);
    const own = propagationWords.get(word);
    const kind = own ?? propagationWords.get(word.replace(/^r/, ""));
    if (flag !== undefined) flags = (flags | (flag.set ?? 0)) & ~(flag.clear ?? 0);
    else if (kind !== undefined) propagation |= kind | (own === undefined ? MS_REC : 0);
    else if (word !== "") data.push(word);
  }
  return { flags, propagation, data: data.join(",") };
}

/** A read-only bind needs a second call: the first one takes no other flag. */
function planDevice(name: string, device: VolumeDevice, target: string): Plan {
  const { flags, propagation, data } = readWords(device.options);
  const why = `volume ${name}`;
  const mount = (asked: number): Op => ({
    op: "mount",
    why,
    fstype: device.type,
    source: device.device,
    target,
    flags: asked,
    data,
  });
  const isReadOnlyBind = (flags & MS_BIND) !== 0 && (flags & MS_RDONLY) !== 0;
  return [
    mount(flags),
    ...(isReadOnlyBind ? [mount((flags | MS_REMOUNT) & ~MS_REC)] : []),
    ...(propagation === 0 ? [] : [planPropagation(why, target, propagation)]),
  ];
}

const planPropagation = (why: string, target: string, propagation: number): Op => ({
  op: "mountAttr",
  why,
  target,
  set: 0,
  clear: 0,
  propagation: propagation & ~MS_REC,
  recursive: (propagation & MS_REC) !== 0,
});

/** Resolves once what it takes is known; rejects if a host has no address. */
export async function planDeviceMount(
  volume: { readonly name: string; readonly target: string },
  device: VolumeDevice,
  lookUp: LookUp,
): Promise<Plan> {
  return planDevice(volume.name, await withAddresses(device, lookUp), volume.target);
}

/** `addr=` of nfs and cifs, else the host of a cifs device, as an address. */
async function withAddresses(device: VolumeDevice, lookUp: LookUp): Promise<VolumeDevice> {
  if (device.type !== "nfs" && device.type !== "cifs") return device;
  const given = /(?:^|,)addr=([^,]+)/.exec(device.options)?.[1];
  if (given !== undefined && !isIPv4(given)) {
    const address = await addressOf(given, lookUp);
    return { ...device, options: device.options.replace(/(^|,)addr=[^,]+/, `$1addr=${address}`) };
  }
  if (device.type === "nfs") return device;
  const [, host = ""] = /^\/\/([^/]+)/.exec(device.device) ?? [];
  if (host === "" || isIP(host) !== 0) return device;
  return { ...device, device: device.device.replace(host, await addressOf(host, lookUp)) };
}

async function addressOf(host: string, lookUp: LookUp): Promise<string> {
  try {
    return await lookUp(host);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw systemError(`error resolving passed in network volume address: ${cause}`, { cause: error });
  }
}

/** What dockerd says of a mount that failed; a password is not told. */
export function describeMountFailure(device: VolumeDevice, target: string, cause: string): string {
  const { flags, data } = readWords(device.options);
  const shown = [
    `mount ${device.device}:${target}`,
    ...(flags === 0 ? [] : [`flags: 0x${(flags >>> 0).toString(16)}`]),
    ...(data === "" ? [] : [`data: ${data.replace(/(^|,)password=[^,]*/, "$1password=********")}`]),
  ];
  return `failed to mount local volume: ${shown.join(", ")}: ${cause}`;
}

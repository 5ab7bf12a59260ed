// Options of the local driver: a file system that is mounted on the volume while containers use it.

import { EngineError, invalid, unsupported } from "#base/errors.ts";

export interface VolumeMount {
  readonly fstype: string;
  readonly device: string;
  /** MS_* of mount(2). */
  readonly flags: number;
  readonly data: string;
}

const MS_BIND = 1 << 12;
const MS_REC = 1 << 14;

/** Flags that mount(8) takes for words; everything else goes to the file system. */
const flagWords: Readonly<Record<string, number>> = {
  bind: MS_BIND,
  rbind: MS_BIND | MS_REC,
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  relatime: 1 << 21,
  strictatime: 1 << 24,
};
const noFlag = new Set(["defaults", "rw", "suid", "dev", "exec", "async", "atime"]);

const known = new Set(["type", "o", "device", "size"]);
const required: Readonly<Record<string, readonly string[]>> = {
  device: ["type"],
  type: ["device"],
  o: ["device", "type"],
};

/** Throws Docker's refusal. `name` is the volume's. */
export function checkLocalOptions(name: string, options: Readonly<Record<string, string>>): void {
  for (const option of Object.keys(options))
    if (!known.has(option)) throw invalid(`create ${name}: invalid option: "${option}"`);
  if (options.size !== undefined)
    throw new EngineError("system", `create ${name}: quota size requested but no quota support`);
  for (const option of Object.keys(options))
    for (const other of required[option] ?? [])
      if (options[other] === undefined) throw invalid(`create ${name}: missing required option: "${other}"`);
  if (/^(nfs4?|cifs)$/.test(options.type ?? "")) throw unsupported(`volume option type=${options.type}`);
}

/** undefined if the volume is a plain directory. */
export function parseVolumeMount(options: Readonly<Record<string, string>>): VolumeMount | undefined {
  const { type, device, o = "" } = options;
  if (type === undefined || device === undefined) return undefined;
  const words = o.split(",").filter((word) => word !== "" && !noFlag.has(word));
  return {
    fstype: type,
    device,
    flags: words.reduce((flags, word) => flags | (flagWords[word] ?? 0), 0),
    data: words.filter((word) => flagWords[word] === undefined).join(","),
  };
}

// Options of the local driver: a file system that is mounted on the volume while containers use it, or its size, and the attributes of
// its directory.
//
//   type, o, device   as mount(8) has them; the three belong together
//   size              of a volume without a device, by a quota of its file system
//   uid, gid, mode    of the directory of a volume without a device (Docker has no such options)

import { invalid } from "#base/errors.ts";
import { parseBinarySize } from "#formats/units.ts";

/** What is to be mounted, before any host name in it is looked up. */
export interface VolumeDevice {
  readonly type: string;
  readonly device: string;
  /** "ro,addr=nas": words between commas. */
  readonly options: string;
}

export interface DirectoryAttributes {
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: number;
}

type Options = Readonly<Record<string, string>>;

const known = new Set(["type", "o", "device", "size", "uid", "gid", "mode"]);
const required: Readonly<Record<string, readonly string[]>> = {
  device: ["type"],
  type: ["device"],
  o: ["device", "type"],
};
/** An id that is none: 2^32 - 1. */
const NO_ID = 0xffff_ffff;

/** Throws Docker's refusal. `name` is the volume's. */
export function checkLocalOptions(name: string, options: Options): void {
  const cause = findMistake(options);
  if (cause !== undefined) throw invalid(`create ${name}: ${cause}`);
}

function findMistake(options: Options): string | undefined {
  const names = Object.keys(options);
  const unknown = names.find((option) => !known.has(option));
  if (unknown !== undefined) return `invalid option: "${unknown}"`;
  if (options.size !== undefined && parseBinarySize(options.size) === undefined)
    return `invalid size: '${options.size}'`;
  const missing = names
    .flatMap((option) => required[option] ?? [])
    .find((other) => options[other] === undefined);
  if (missing !== undefined) return `missing required option: "${missing}"`;
  if (options.type === "cifs" && /^(?:[a-z]+:)?\/\/[^/]*:\d+(?:\/|$)/.test(options.device ?? ""))
    return "port not allowed in CIFS device URL, include 'port' in 'o='";
  if (options.size !== undefined && options.device !== undefined)
    return 'option "size" is for volumes without a device';
  return attributeNames
    .map((option) => findAttributeMistake(option, options))
    .find((cause) => cause !== undefined);
}

const attributeNames = ["uid", "gid", "mode"] as const;

function findAttributeMistake(option: (typeof attributeNames)[number], options: Options): string | undefined {
  const text = options[option];
  if (text === undefined) return undefined;
  if (options.device !== undefined) return `option "${option}" is for volumes without a device`;
  return parseAttribute(option, text) === undefined
    ? `invalid value for option "${option}": "${text}"`
    : undefined;
}

function parseAttribute(option: (typeof attributeNames)[number], text: string): number | undefined {
  if (option === "mode") return /^0?[0-7]{3,4}$/.test(text) ? Number.parseInt(text, 8) : undefined;
  return /^\d{1,10}$/.test(text) && Number(text) < NO_ID ? Number(text) : undefined;
}

/** undefined if the volume is a plain directory. */
export function deviceOf({ type, device, o = "" }: Options): VolumeDevice | undefined {
  return type === undefined || device === undefined ? undefined : { type, device, options: o };
}

export function attributesOf(options: Options): DirectoryAttributes {
  const attributes: { uid?: number; gid?: number; mode?: number } = {};
  for (const option of attributeNames) {
    const value = options[option] === undefined ? undefined : parseAttribute(option, options[option]);
    if (value !== undefined) attributes[option] = value;
  }
  return attributes;
}

/** Bytes; 0: no limit. */
export const sizeOf = ({ size }: Options): number => (size === undefined ? 0 : (parseBinarySize(size) ?? 0));

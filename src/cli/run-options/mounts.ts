// Volumes and mounts: `-v source:target:options`, `--tmpfs`, `--mount key=value,…`.

import { resolve } from "node:path";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { parseBinarySize } from "#formats/units.ts";
import type { Mount } from "#spec/engine-api/definitions.table.ts";
import { splitPair, toRecord } from "./settings.ts";

export interface Volumes {
  readonly binds: readonly string[];
  /** Targets of anonymous volumes. */
  readonly anonymous: readonly string[];
}

/** What starts like a relative path becomes an absolute one; all else (volume names) stays. */
const absoluteSource = (source: string): string => (/^\.{1,2}(\/|$)/.test(source) ? resolve(source) : source);

function absoluteBind(bind: string): string {
  const [source = "", ...rest] = bind.split(":");
  return source.startsWith(".") ? [resolve(source), ...rest].join(":") : bind;
}

/** Sections between colons. As in Docker, a single letter is a drive of Windows: its colon is part of the path. */
function sectionsOf(text: string): readonly string[] {
  if (text === "") throw new Error("invalid empty volume spec");
  if (Buffer.byteLength(text) <= 2) return [text];
  const sections: readonly string[] = text.match(/(?<=^|:)(\p{L}:[^:]*|[^:]*)(?=:|$)/gu) ?? [];
  if (sections.includes("")) throw new Error(`invalid spec: ${text}: empty section between colons`);
  if (sections.length > 3) throw new Error(`invalid spec: ${text}: too many colons`);
  return sections;
}

export function splitVolumes(texts: readonly string[]): Volumes {
  const isBind = (text: string): boolean => sectionsOf(text).length > 1;
  return {
    binds: texts.filter(isBind).map(absoluteBind),
    anonymous: texts.filter((text) => !isBind(text)),
  };
}

/** Fields of a line of comma-separated values; a field in double quotes may hold commas. */
export function splitFields(text: string): readonly string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/y;
  for (let more = true; more; ) {
    const match = pattern.exec(text);
    if (match === null) throw new Error(`parse error on line 1: bare " in non-quoted-field`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    more = match[3] === ",";
  }
  return fields;
}

type Draft = { -readonly [K in keyof Mount]: Mount[K] };
type Setter = (draft: Draft, value: string, key: string) => void;

function truth(value: string, key: string): boolean {
  const fact = parseGoBoolean(value);
  if (fact === undefined) throw new Error(`invalid value for ${key}: ${value}`);
  return fact;
}

function pair(value: string, key: string): readonly [string, string] {
  const equals = value.indexOf("=");
  if (equals < 0) throw new Error(`invalid field '${key}=${value}' must be a key=value pair`);
  return [value.slice(0, equals), value.slice(equals + 1)];
}

const setSource: Setter = (draft, value) => {
  draft.Source = absoluteSource(value);
};
const setTarget: Setter = (draft, value) => {
  draft.Target = value;
};
const setReadOnly: Setter = (draft, value, key) => {
  draft.ReadOnly = truth(value, key);
};
const setLabel: Setter = (draft, value) => {
  const Labels = { ...draft.VolumeOptions?.Labels, ...toRecord([splitPair(value)]) };
  draft.VolumeOptions = { ...draft.VolumeOptions, Labels };
};
const setDriver: Setter = (draft, value) => {
  const DriverConfig = { ...draft.VolumeOptions?.DriverConfig, Name: value };
  draft.VolumeOptions = { ...draft.VolumeOptions, DriverConfig };
};
const setDriverOption: Setter = (draft, value, key) => {
  const [name, content] = pair(value, key);
  const before = draft.VolumeOptions?.DriverConfig;
  const DriverConfig = { ...before, Options: { ...before?.Options, [name]: content } };
  draft.VolumeOptions = { ...draft.VolumeOptions, DriverConfig };
};
const setSize: Setter = (draft, value, key) => {
  const size = parseBinarySize(value);
  if (size === undefined) throw new Error(`invalid value for ${key}: ${value}`);
  draft.TmpfsOptions = { ...draft.TmpfsOptions, SizeBytes: size };
};
const setMode: Setter = (draft, value, key) => {
  if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
  draft.TmpfsOptions = { ...draft.TmpfsOptions, Mode: Number.parseInt(value, 8) };
};
const setRecursive: Setter = (draft, value, key) => {
  const options: Readonly<Record<string, Mount["BindOptions"]>> = {
    enabled: {},
    disabled: { NonRecursive: true },
    writable: { ReadOnlyNonRecursive: true },
    readonly: { ReadOnlyForceRecursive: true },
  };
  if (!(value in options)) throw new Error(`invalid value for ${key}: ${value}`);
  draft.BindOptions = { ...draft.BindOptions, ...options[value] };
};

const SETTERS: Readonly<Record<string, Setter>> = {
  type: (draft, value) => {
    draft.Type = value.toLowerCase();
  },
  source: setSource,
  src: setSource,
  target: setTarget,
  destination: setTarget,
  dst: setTarget,
  readonly: setReadOnly,
  ro: setReadOnly,
  consistency: (draft, value) => {
    draft.Consistency = value.toLowerCase();
  },
  "bind-propagation": (draft, value) => {
    draft.BindOptions = { ...draft.BindOptions, Propagation: value.toLowerCase() };
  },
  "bind-nonrecursive": (draft, value, key) => {
    draft.BindOptions = { ...draft.BindOptions, NonRecursive: truth(value, key) };
  },
  "bind-create-src": (draft, value, key) => {
    draft.BindOptions = { ...draft.BindOptions, CreateMountpoint: truth(value, key) };
  },
  "bind-recursive": setRecursive,
  "volume-subpath": (draft, value) => {
    draft.VolumeOptions = { ...draft.VolumeOptions, Subpath: value };
  },
  "volume-nocopy": (draft, value, key) => {
    draft.VolumeOptions = { ...draft.VolumeOptions, NoCopy: truth(value, key) };
  },
  "volume-label": setLabel,
  "volume-driver": setDriver,
  "volume-opt": setDriverOption,
  "image-subpath": (draft, value) => {
    draft.ImageOptions = { ...draft.ImageOptions, Subpath: value };
  },
  "tmpfs-size": setSize,
  "tmpfs-mode": setMode,
};
const FLAGLIKE = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"]);

function applyField(draft: Draft, field: string): void {
  const equals = field.indexOf("=");
  const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
  if (equals < 0 && !FLAGLIKE.has(key)) throw new Error(`invalid field '${field}' must be a key=value pair`);
  const set = SETTERS[key];
  if (set === undefined) throw new Error(`unexpected key '${key}' in '${field}'`);
  set(draft, equals < 0 ? "true" : field.slice(equals + 1), key);
}

/** Throws an Error in Docker's words. */
export function parseMount(text: string): Mount {
  const draft: Draft = { Type: "volume" };
  for (const field of splitFields(text)) applyField(draft, field);
  if (draft.Type === "") throw new Error("type is required");
  if (draft.Target === undefined || draft.Target === "") throw new Error("target is required");
  const wrong = (option: string, type: string): Error =>
    new Error(`cannot mix '${option}-*' options with mount type '${type}'`);
  const type = draft.Type ?? "";
  if (draft.VolumeOptions !== undefined && type !== "volume") throw wrong("volume", type);
  if (draft.BindOptions !== undefined && type !== "bind") throw wrong("bind", type);
  if (draft.TmpfsOptions !== undefined && type !== "tmpfs") throw wrong("tmpfs", type);
  if (draft.ImageOptions !== undefined && type !== "image") throw wrong("image", type);
  return draft;
}

/** "/run:size=1m" to [target, options]. */
export function parseTmpfs(text: string): readonly [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

// -v, --mount, --volumes-from and VOLUME, read into one form. Pure: no volume is made and no path looked at.

import { posix } from "node:path";
import { invalid, unsupported } from "#base/errors.ts";
import type { MountRequest } from "#spec/container-config.ts";
import type { MountPoint } from "./record.ts";

/** A mount whose volume may not exist yet: `name` "" of a volume is an anonymous one, `driver` "" that of the volume that is there, else
 *  "local". */
export type MountSpec = MountPoint & {
  readonly labels: Readonly<Record<string, string>>;
  readonly driverOptions: Readonly<Record<string, string>>;
};

const blank: MountSpec = {
  type: "bind",
  name: "",
  source: "",
  destination: "",
  driver: "",
  mode: "",
  writable: true,
  propagation: "",
  copy: false,
  anonymous: false,
  createSource: false,
  options: [],
  recursive: true,
  labels: {},
  driverOptions: {},
};

const propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/** An entry of HostConfig.Binds: "source:destination:mode", "volume:destination", "destination". */
export function parseBind(text: string, volumeDriver = ""): MountSpec {
  const parts = text.split(":");
  const wrong = (): Error => invalid(`invalid volume specification: '${text}'`);
  if (text === "" || parts.length > 3 || parts.some((part) => part === "")) throw wrong();
  const [first = "", second, mode = ""] = parts;
  if (second === undefined) return { ...anonymousVolume(first, volumeDriver), mode: "" };
  const isBind = first.startsWith("/");
  const common = { ...blank, destination: cleanTarget(second, isBind ? "bind" : "volume", text), mode };
  const parsed = parseMode(mode);
  const foreign = isBind ? parsed.hasCopy && "VolumeOptions" : parsed.propagation !== "" && "BindOptions";
  if (foreign)
    throw invalid(
      `invalid volume specification: '${text}': invalid mount config for type "${isBind ? "bind" : "volume"}": field ${foreign} must not be specified`,
    );
  if (isBind)
    return {
      ...common,
      source: posix.resolve(first),
      writable: parsed.writable,
      propagation: parsed.propagation,
      createSource: true,
    };
  return {
    ...common,
    type: "volume",
    name: first,
    driver: volumeDriver,
    mode: mode === "" ? "z" : mode,
    writable: parsed.writable,
    copy: !parsed.hasCopy,
  };
}

/** A VOLUME of the image or `-v /path`; images may name it relative to the root. */
export function anonymousVolume(path: string, volumeDriver = ""): MountSpec {
  const destination = posix.resolve("/", path);
  return {
    ...blank,
    type: "volume",
    driver: volumeDriver,
    destination: cleanTarget(destination, "volume", destination),
    copy: true,
    anonymous: true,
  };
}

interface Mode {
  readonly writable: boolean;
  readonly propagation: string;
  /** "nocopy" is among the words. */
  readonly hasCopy: boolean;
}

/** "ro,z,rslave": each kind of word once. Relabelling (z, Z) is for SELinux hosts, consistency for other systems. */
function parseMode(mode: string): Mode {
  const given = new Map<string, string>();
  for (const word of mode === "" ? [] : mode.split(",")) {
    const kind = kindOfModeWord(word);
    if (kind === undefined || given.has(kind)) throw invalid(`invalid mode: ${mode}`);
    given.set(kind, word);
  }
  return {
    writable: given.get("access") !== "ro",
    propagation: given.get("propagation") ?? "",
    hasCopy: given.has("copy"),
  };
}

function kindOfModeWord(word: string): string | undefined {
  if (word === "ro" || word === "rw") return "access";
  if (word === "z" || word === "Z") return "label";
  if (propagations.includes(word)) return "propagation";
  if (word === "nocopy") return "copy";
  return ["consistent", "cached", "delegated"].includes(word) ? "consistency" : undefined;
}

function cleanTarget(target: string, type: string, specification: string): string {
  const wrong = (cause: string): Error =>
    invalid(
      `invalid volume specification: '${specification}': invalid mount config for type "${type}": ${cause}`,
    );
  if (!posix.isAbsolute(target)) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  const clean = posix.resolve(target);
  if (clean === "/") throw wrong("invalid specification: destination can't be '/'");
  return clean;
}

/** An entry of HostConfig.Mounts. */
export function parseMount(mount: MountRequest, minor: number): MountSpec {
  const wrong = (cause: string): Error => invalid(`invalid mount config for type "${mount.Type}": ${cause}`);
  if (mount.Target === "") throw wrong("field Target must not be empty");
  if (["cluster", "npipe"].includes(mount.Type)) throw unsupported(`--mount type=${mount.Type}`);
  if (!posix.isAbsolute(mount.Target))
    throw wrong(`invalid mount path: '${mount.Target}' mount path must be absolute`);
  const destination = posix.resolve(mount.Target);
  if (destination === "/") throw wrong("invalid specification: destination can't be '/'");
  refuseForeignOptions(mount, minor);
  const common = { ...blank, destination, writable: mount.ReadOnly !== true };
  switch (mount.Type) {
    case "bind":
      return { ...common, ...parseBindMount(mount, wrong) };
    case "volume":
      return { ...common, ...parseVolumeMount(mount) };
    case "image":
      return { ...common, ...parseImageMount(mount, wrong) };
    case "tmpfs":
      if ((mount.Source ?? "") !== "") throw wrong("field Source must not be specified");
      return { ...common, type: "tmpfs", options: tmpfsOptions(mount) };
    default:
      throw wrong("mount type unknown");
  }
}

function refuseForeignOptions(mount: MountRequest, minor: number): void {
  if (minor < 42) return;
  for (const [field, type] of [
    ["BindOptions", "bind"],
    ["VolumeOptions", "volume"],
    ["TmpfsOptions", "tmpfs"],
  ] as const) {
    if (mount[field] !== undefined && mount.Type !== type)
      throw invalid(`${field} must not be specified on mount type "${mount.Type}"`);
  }
}

function parseBindMount(mount: MountRequest, wrong: (cause: string) => Error): Partial<MountSpec> {
  const options = mount.BindOptions ?? {};
  const source = mount.Source ?? "";
  if (source === "") throw wrong("field Source must not be empty");
  if (!posix.isAbsolute(source)) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
  const propagation = options.Propagation ?? "";
  if (propagation !== "" && !propagations.includes(propagation))
    throw wrong(`invalid propagation mode: ${propagation}`);
  if (options.ReadOnlyForceRecursive === true && propagation !== "rprivate" && propagation !== "")
    throw wrong("mount source needs rprivate propagation for ReadOnlyForceRecursive");
  if (options.ReadOnlyForceRecursive === true && options.ReadOnlyNonRecursive === true)
    throw wrong("mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive");
  return {
    type: "bind",
    source: posix.resolve(source),
    propagation,
    createSource: options.CreateMountpoint === true,
    recursive: options.NonRecursive !== true,
    ...(options.ReadOnlyNonRecursive === true && { writableBelow: true }),
  };
}

function parseVolumeMount(mount: MountRequest): Partial<MountSpec> {
  const options = mount.VolumeOptions ?? {};
  const driver = options.DriverConfig?.Name ?? "";
  const name = mount.Source ?? "";
  const subpath = parseSubpath(options.Subpath);
  if (subpath !== "" && name === "") throw invalid("must not set Subpath when using anonymous volumes");
  return {
    type: "volume",
    ...(subpath !== "" && { subpath }),
    name,
    driver,
    mode: "z",
    copy: options.NoCopy !== true,
    anonymous: name === "",
    labels: options.Labels ?? {},
    driverOptions: options.DriverConfig?.Options ?? {},
  };
}

function parseSubpath(text = ""): string {
  const outside = posix.isAbsolute(text) || posix.normalize(text).split("/").includes("..");
  if (text !== "" && outside) throw invalid("subpath must be a relative path within the volume");
  return text;
}

function parseImageMount(mount: MountRequest, wrong: (cause: string) => Error): Partial<MountSpec> {
  const source = mount.Source ?? "";
  if (source === "") throw wrong("field Source must not be empty");
  const subpath = parseSubpath(mount.ImageOptions?.Subpath);
  return { type: "image", name: source, writable: false, ...(subpath !== "" && { subpath }) };
}

function tmpfsOptions(mount: MountRequest): readonly string[] {
  const options = mount.TmpfsOptions ?? {};
  const size = options.SizeBytes ?? 0;
  const mode = options.Mode ?? 0;
  return [
    ...(size > 0 ? [`size=${size}`] : []),
    ...(mode > 0 ? [`mode=${mode.toString(8)}`] : []),
    ...(options.Options ?? []).map((pair) => pair.join("=")),
  ];
}

/** An entry of HostConfig.VolumesFrom: "container[:mode]". */
export function parseVolumesFrom(text: string): { readonly container: string; readonly mode: string } {
  if (text === "") throw invalid("volumes-from specification cannot be an empty string");
  const [container = "", ...rest] = text.split(":");
  const mode = rest.join(":");
  const { hasCopy, propagation } = parseMode(mode);
  if (hasCopy || propagation !== "") throw invalid(`invalid mode: ${mode}`);
  return { container, mode };
}

/** An entry of HostConfig.Tmpfs; Docker checks the path only. */
export function parseTmpfs(
  path: string,
  options: string,
): { readonly destination: string; readonly options: readonly string[] } {
  if (!posix.isAbsolute(path)) throw invalid(`invalid mount path: '${path}' mount path must be absolute`);
  const destination = posix.resolve(path);
  if (destination === "/") throw invalid("invalid specification: destination can't be '/'");
  return { destination, options: options === "" ? [] : options.split(",") };
}

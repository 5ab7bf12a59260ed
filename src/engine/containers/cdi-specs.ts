// CDI: files in which vendors describe their devices. Read at each start that asks for one, as they change without us.

import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { type Decoded, integer, isRecord, array as list, object, string } from "#base/decode.ts";
import { systemError } from "#base/errors.ts";

const hook = object(
  { hookName: string, path: string },
  { args: list(string), env: list(string), timeout: integer },
);
const deviceNode = object(
  { path: string },
  {
    ...{ hostPath: string, type: string, major: integer, minor: integer, fileMode: integer },
    ...{ permissions: string, uid: integer, gid: integer },
  },
);
const mount = object({ hostPath: string, containerPath: string }, { options: list(string), type: string });
const decodeEdits = object(
  {},
  {
    ...{ env: list(string), deviceNodes: list(deviceNode), mounts: list(mount), hooks: list(hook) },
    additionalGids: list(integer),
  },
);
const decodeSpec = object(
  {
    cdiVersion: string,
    kind: string,
    devices: list(object({ name: string }, { containerEdits: decodeEdits })),
  },
  { containerEdits: decodeEdits },
);

/** What a device changes of a container. */
export type CdiEdits = Decoded<typeof decodeEdits>;
type CdiSpec = Decoded<typeof decodeSpec>;

/** Fields whose effect we cannot bring about; a device that has one is refused rather than injected in part. */
const foreign = ["intelRdt", "netDevices"];

/** The edits for the devices of those names ("vendor.com/class=name"), each file's own first. A later directory wins. Rejects in Docker's words. */
export async function findCdiEdits(
  directories: readonly string[],
  names: readonly string[],
): Promise<readonly CdiEdits[]> {
  const edits: CdiEdits[] = [];
  const specs = await readSpecs(directories);
  const used = new Set<CdiSpec>();
  const missing: string[] = [];
  for (const name of names) {
    const [kind = "", device] = name.split("=");
    const spec = specs.findLast(
      (item) => item.kind === kind && item.devices.some((one) => one.name === device),
    );
    if (spec === undefined) missing.push(name);
    else {
      if (!used.has(spec)) edits.push(spec.containerEdits ?? {});
      used.add(spec);
      edits.push(spec.devices.find((one) => one.name === device)?.containerEdits ?? {});
    }
  }
  if (missing.length > 0)
    throw systemError(`CDI device injection failed: unresolvable CDI devices ${missing.join(", ")}`);
  return edits;
}

/** Kinds that the files describe: "nvidia.com/gpu". */
export const cdiKinds = async (directories: readonly string[]): Promise<readonly string[]> =>
  (await readSpecs(directories)).map(({ kind }) => kind);

/** Their names, "vendor.com/class=name", sorted. */
export async function listCdiDevices(directories: readonly string[]): Promise<readonly string[]> {
  const specs = await readSpecs(directories);
  const names = specs.flatMap(({ kind, devices }) => devices.map(({ name }) => `${kind}=${name}`));
  return [...new Set(names)].sort();
}

async function readSpecs(directories: readonly string[]): Promise<readonly CdiSpec[]> {
  const specs: CdiSpec[] = [];
  for (const directory of directories)
    for (const name of (await readdir(directory).catch((): string[] => [])).sort())
      if (isSpec(name)) specs.push(...(await readSpec(join(directory, name))));
  return specs;
}

const isSpec = (name: string): boolean => [".json", ".yaml"].includes(extname(name));

/** Nothing if it is none: one vendor's fault must not stop another's devices. */
async function readSpec(path: string): Promise<readonly CdiSpec[]> {
  try {
    const value = await parseSpec(await readFile(path, "utf8"), path);
    if (isRecord(value) && foreign.some((field) => JSON.stringify(value).includes(`"${field}"`))) return [];
    return [decodeSpec(value, path)];
  } catch {
    return [];
  }
}

/** The parser of YAML is loaded where there is such a file. */
async function parseSpec(text: string, path: string): Promise<unknown> {
  if (extname(path) === ".json") return JSON.parse(text);
  const { parse } = await import("yaml");
  return parse(text);
}

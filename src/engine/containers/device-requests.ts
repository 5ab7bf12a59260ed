// HostConfig.DeviceRequests: devices by their CDI names, and GPUs by what they can do, which CDI files of their vendors describe.

import { invalid, systemError } from "#base/errors.ts";
import type { DeviceRequest } from "#spec/container-config.ts";
import type { Device, Hook, HookPoint, Hooks, Spec } from "#spec/oci-runtime.ts";
import { type CdiEdits, cdiKinds, findCdiEdits } from "./cdi-specs.ts";
import { findMapped, ruleOf } from "./host-devices.ts";

const gpuKinds = ["nvidia.com/gpu", "amd.com/gpu"];

/** Where the machine's administrator puts CDI files, the most important last. */
export const defaultCdiDirectories: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

export interface Injection {
  readonly edits: readonly CdiEdits[];
  readonly nodes: readonly (Device & { readonly access: string })[];
}

/** Rejects in Docker's words if there is no such device. */
export async function findRequested(
  requests: readonly DeviceRequest[],
  directories: readonly string[],
): Promise<Injection> {
  const names: string[] = [];
  for (const request of requests) names.push(...(await namesOf(request, directories)));
  if (names.length === 0) return { edits: [], nodes: [] };
  const edits = await findCdiEdits(directories, names);
  const nodes = await Promise.all(edits.flatMap(({ deviceNodes = [] }) => deviceNodes.map(findNode)));
  return { edits, nodes };
}

async function namesOf(request: DeviceRequest, directories: readonly string[]): Promise<readonly string[]> {
  const { Driver, Count, DeviceIDs, Options } = request;
  if (Driver === "cdi") {
    if (Count !== 0) throw invalid("unexpected count in CDI device request");
    if (Object.keys(Options ?? {}).length > 0) throw invalid("unexpected options in CDI device request");
    return DeviceIDs ?? [];
  }
  const kind = await findGpuKind(request, directories);
  if (kind === undefined) throw noDriver(request);
  if (Count !== 0 && (DeviceIDs ?? []).length > 0)
    throw invalid("cannot set both Count and DeviceIDs on device request");
  const ids = Count < 0 ? ["all"] : Array.from({ length: Count }, (_, index) => String(index));
  return [...ids, ...(DeviceIDs ?? [])].map((id) => (id.includes("=") ? id : `${kind}=${id}`));
}

async function findGpuKind(
  { Driver, Capabilities }: DeviceRequest,
  directories: readonly string[],
): Promise<string | undefined> {
  if (!(Capabilities ?? []).some((set) => set.includes("gpu")) || !["", "nvidia", "amd"].includes(Driver))
    return undefined;
  const kinds = await cdiKinds(directories);
  return gpuKinds.find((name) => kinds.includes(name) && name.startsWith(Driver));
}

function noDriver({ Driver, Capabilities }: DeviceRequest): Error {
  const sets = (Capabilities ?? []).map((set) => `[${set.join(" ")}]`).join(" ");
  return systemError(`could not select device driver "${Driver}" with capabilities: [${sets}]`);
}

async function findNode(
  node: NonNullable<CdiEdits["deviceNodes"]>[number],
): Promise<Injection["nodes"][number]> {
  const [found] = await findMapped(node.hostPath ?? node.path, node.path);
  if (found === undefined) throw systemError(`CDI device injection failed: ${node.path} is not a device`);
  return {
    ...found,
    ...(node.fileMode !== undefined && { fileMode: node.fileMode }),
    ...(node.uid !== undefined && { uid: node.uid }),
    ...(node.gid !== undefined && { gid: node.gid }),
    access: node.permissions ?? "rwm",
  };
}

/** The container with its devices. */
export function inject(spec: Spec, { edits, nodes }: Injection): Spec {
  if (edits.length === 0) return spec;
  const { process, linux } = spec;
  const gids = edits.flatMap(({ additionalGids = [] }) => additionalGids);
  const paths = new Set(nodes.map(({ path }) => path));
  return {
    ...spec,
    ...(process !== undefined && {
      process: {
        ...process,
        env: [...(process.env ?? []), ...edits.flatMap(({ env = [] }) => env)],
        user: {
          ...process.user,
          uid: process.user?.uid ?? 0,
          gid: process.user?.gid ?? 0,
          additionalGids: [...(process.user?.additionalGids ?? []), ...gids],
        },
      },
    }),
    mounts: [
      ...(spec.mounts ?? []),
      ...edits
        .flatMap(({ mounts = [] }) => mounts)
        .map(({ hostPath, containerPath, options, type }) => ({
          destination: containerPath,
          source: hostPath,
          type: type ?? "bind",
          options: options ?? ["rbind", "ro"],
        })),
    ],
    hooks: addHooks(spec.hooks ?? {}, edits),
    linux: {
      ...linux,
      devices: [
        ...(linux?.devices ?? []).filter(({ path }) => !paths.has(path)),
        ...nodes.map(({ access: _access, ...node }) => node),
      ],
      resources: {
        ...linux?.resources,
        devices: [
          ...(linux?.resources?.devices ?? []),
          ...nodes.map(({ access, ...node }) => ruleOf(node, access)),
        ],
      },
    },
  };
}

const hookPoints: readonly HookPoint[] = [
  ...(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const),
];

function addHooks(hooks: Hooks, edits: readonly CdiEdits[]): Hooks {
  const all = edits.flatMap((edit) => edit.hooks ?? []);
  const unknown = all.find(({ hookName }) => !hookPoints.some((point) => point === hookName));
  if (unknown !== undefined)
    throw systemError(`CDI device injection failed: invalid hook name "${unknown.hookName}"`);
  const added = (point: HookPoint): readonly Hook[] =>
    all.filter(({ hookName }) => hookName === point).map(({ hookName: _name, ...hook }) => hook);
  return Object.fromEntries(
    hookPoints
      .map((point) => [point, [...(hooks[point] ?? []), ...added(point)]] as const)
      .filter(([, list]) => list.length > 0),
  );
}

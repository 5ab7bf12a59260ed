// Containers of libcontainer's plans, run by the real zygote and shim on a static busybox root, without a daemon.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  defaultCapabilities,
  defaultMaskedPaths,
  defaultMounts,
  defaultReadonlyPaths,
} from "#engine/containers/oci-defaults.table.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { type HostFacts, readHostFacts } from "#libcontainer/host-facts.ts";
import { createNativeShims, type NativeShimOptions } from "#main/native-shims.ts";
import type { ProcessIo, Shim, Shims } from "#shim/shim.ts";
import type { Linux, Mount, NamespaceType, Process, Spec } from "#spec/oci-runtime.ts";
import { builtinSeccompProfile } from "#spec/seccomp-profile.ts";

export const skip = process.getuid?.() !== 0 && "needs root";
const never = new AbortController().signal;
const native = join(import.meta.dirname, "../../native");

const applets =
  "sh cat echo ls id mount umount unshare stat test sleep true hostname chmod touch mkdir grep sed env pwd tty stty readlink wc head chroot mknod tail ps";

export interface ContainerMachine extends AsyncDisposable {
  readonly folder: string;
  readonly host: HostFacts;
  readonly shims: Shims;
  /** The zygote, which ends with the machine if not before. */
  readonly zygote: AsyncDisposable;
  readonly warnings: readonly string[];
  /** Below each hierarchy. */
  readonly cgroupParent: string;
  /** A fresh root file system: busybox and what `prepare` changes. */
  makeRoot(prepare?: (root: string) => void): string;
  /** A container up to its start point. */
  create(spec: Spec, root?: RootChoice): Promise<Container>;
}

/** Ends with its scope: killed, its cgroups and files removed. */
export interface Container extends AsyncDisposable {
  readonly shim: Shim;
  readonly cgroups: readonly string[];
}

export interface RootChoice {
  readonly rootfs?: readonly Mount[];
  readonly io?: ProcessIo;
}

export interface MachineChoices {
  /** Another build of gantry-exec. */
  readonly binary?: string;
  /** What makes and finds containers, if not the daemon's own. */
  readonly createShims?: (options: NativeShimOptions) => Shims;
}

export async function startContainerMachine(choices: MachineChoices = {}): Promise<ContainerMachine> {
  execFileSync("sh", [join(native, "build.sh")]);
  const { binary = join(native, "build/gantry-exec"), createShims = createNativeShims } = choices;
  const folder = await mkdtemp(join(tmpdir(), "gantry-libcontainer-"));
  chmodSync(folder, 0o711);
  const socket = join(folder, "zygote.sock");
  const executor = await startZygote({ binary, socket });
  const host = readHostFacts();
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const shims = createShims({ executor, socketPath: socket, host, warn });
  const cgroupParent = `/${basename(folder)}`;
  let count = 0;
  return {
    folder,
    host,
    shims,
    zygote: executor,
    warnings,
    cgroupParent,
    makeRoot: (prepare) => makeRoot(join(folder, `root-${++count}`), prepare),
    create: async (given, { rootfs = [], io = attachedIo(given.process?.terminal === true) } = {}) => {
      const id = `c${++count}`;
      const stateDir = join(folder, id);
      mkdirSync(stateDir, { mode: 0o711 });
      const spec = { ...given, linux: { ...given.linux, cgroupsPath: `${cgroupParent}/${id}` } };
      await using stack = new AsyncDisposableStack();
      stack.defer(() => shims.clean(id, stateDir, spec));
      // biome-ignore lint/nursery/useDisposables: the stack disposes of it.
      const shim = stack.use(await shims.create({ id, stateDir, spec, rootfs, io }, never));
      stack.defer(() => endInit(shim));
      const end = stack.move();
      return {
        shim,
        cgroups: cgroupsBelow(host, cgroupParent),
        [Symbol.asyncDispose]: () => end.disposeAsync(),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await executor[Symbol.asyncDispose]();
      removeCgroupParents(host, cgroupParent);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** It may have ended, or never have been started. */
async function endInit(shim: Shim): Promise<void> {
  await shim.kill("", 9, false).catch(() => {});
  await shim.wait("", never).catch(() => {});
}

function removeCgroupParents({ cgroups }: HostFacts, parent: string): void {
  for (const { mountPoint } of [...cgroups.v1, ...(cgroups.v2 === undefined ? [] : [cgroups.v2])])
    if (existsSync(join(mountPoint, parent))) rmdirSync(join(mountPoint, parent));
}

/** Those of every container that there is. */
export const cgroupsBelow = ({ cgroups }: HostFacts, parent: string): readonly string[] =>
  (cgroups.v1.length > 0 || cgroups.v2 === undefined ? cgroups.v1 : [cgroups.v2]).flatMap(
    ({ mountPoint }) => {
      const directory = join(mountPoint, parent);
      if (!existsSync(directory)) return [];
      return readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(directory, entry.name));
    },
  );

function makeRoot(root: string, prepare?: (root: string) => void): string {
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of applets.split(" ")) symlinkSync("busybox", join(root, "bin", applet));
  for (const directory of ["etc", "tmp", "work"]) mkdirSync(join(root, directory));
  chmodSync(join(root, "tmp"), 0o1777);
  prepare?.(root);
  return root;
}

export const attachedIo = (terminal: boolean): ProcessIo => ({
  kind: "attach",
  terminal,
  stdin: false,
  stdinOnce: false,
});

export interface SpecChoices {
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Linux>;
  readonly mounts?: readonly Mount[];
  readonly readonly?: boolean;
  readonly hostname?: string;
  readonly namespaces?: readonly NamespaceType[];
}

const shm: Mount = {
  destination: "/dev/shm",
  type: "tmpfs",
  source: "shm",
  options: ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"],
};

export const defaultProcess = (script: string): Process => ({
  cwd: "/",
  args: ["sh", "-c", script],
  env: ["PATH=/bin"],
  user: { uid: 0, gid: 0, additionalGids: [0] },
  capabilities: {
    bounding: defaultCapabilities,
    effective: defaultCapabilities,
    permitted: defaultCapabilities,
  },
});

/** Docker's default container without network. */
export function dockerSpec(host: HostFacts, root: string, script: string, choices: SpecChoices = {}): Spec {
  const namespaces = choices.namespaces ?? ["mount", "uts", "pid", "ipc", "network"];
  return {
    ociVersion: "1.2.0",
    root: { path: root, ...(choices.readonly === true && { readonly: true }) },
    ...(namespaces.includes("uts") && { hostname: choices.hostname ?? "box" }),
    mounts: [...defaultMounts, shm, ...(choices.mounts ?? [])],
    process: { ...defaultProcess(script), ...choices.process },
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      resources: {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
        ],
      },
      maskedPaths: defaultMaskedPaths,
      readonlyPaths: defaultReadonlyPaths,
      seccomp: builtinSeccompProfile({
        capabilities: choices.process?.capabilities?.bounding ?? defaultCapabilities,
        arch: host.arch,
        kernel: host.kernel,
      }),
      ...choices.linux,
    },
  };
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Starts a created container (or a further process) and collects what it says. */
export async function outcomeOf(shim: Shim, execId = ""): Promise<Outcome> {
  const stream = await shim.attach(execId, { stdin: false, stdout: true, stderr: true }, never);
  if (execId === "") await shim.start(never);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  const { exitCode } = await shim.wait(execId, never);
  return { ...readFrames(Buffer.concat(chunks)), exitCode };
}

function readFrames(bytes: Buffer): { readonly stdout: string; readonly stderr: string } {
  const text: [string, string] = ["", ""];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4);
    text[bytes[at] === 2 ? 1 : 0] += bytes.toString("utf8", at + 8, at + 8 + size);
    at += 8 + size;
  }
  return { stdout: text[0], stderr: text[1] };
}

/** Runs a script in Docker's default container with some choices changed. */
export async function runScript(
  machine: ContainerMachine,
  script: string,
  choices: SpecChoices & { readonly root?: string } = {},
): Promise<Outcome> {
  const root = choices.root ?? machine.makeRoot();
  await using container = await machine.create(dockerSpec(machine.host, root, script, choices));
  return await outcomeOf(container.shim);
}

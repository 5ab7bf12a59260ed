// A zygote in a folder of its own, and shims whose containers are hand-written plans: static busybox in a temporary root.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executor } from "#kernel/plan/executor.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { NativeShims } from "#shim/native/native-shims.ts";
import type { ProcessIo, Shim } from "#shim/shim.ts";

export const skip = process.getuid?.() !== 0 && "needs root";
export const never = new AbortController().signal;

const CLONE_NEWNS = 0x2_0000;
const CLONE_NEWPID = 0x2000_0000;
const O_PATH_DIRECTORY = 0o12200000;
const native = join(import.meta.dirname, "../../native");

export interface NativeMachine extends AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly executor: Executor;
  readonly shims: NativeShims;
  /** A shim for the plan's container, up to its start point. */
  create(id: string, io: ProcessIo, script: string, signal?: AbortSignal): Promise<Shim>;
  stateDir(id: string): string;
}

export interface Shape {
  /** Before the program, after the root. */
  readonly extra?: Plan;
  readonly undo?: Plan;
  readonly terminal?: boolean;
  /** Before the clone, so that the shim must fork a process that clones. */
  readonly before?: Plan;
}

const standardStreams: Plan = [29, 30, 31].map((slot, fd): Op => ({ op: "dupTo", why: "streams", slot, fd }));

const terminalStreams: Plan = [
  { op: "openPty", why: "terminal", root: 0, master: 2, slave: 3 },
  { op: "sendFd", why: "terminal", slot: 2 },
  { op: "close", why: "terminal", slot: 2 },
  { op: "controllingTty", why: "terminal", slot: 3 },
  ...[0, 1, 2].map((fd): Op => ({ op: "dupTo", why: "terminal", slot: 3, fd })),
];

const devpts: Plan = [
  { op: "mkdir", why: "devpts", path: "dev/pts", root: 0, mode: 0o755, parents: true },
  {
    op: "mount",
    why: "devpts",
    fstype: "devpts",
    source: "devpts",
    target: "dev/pts",
    root: 0,
    flags: 0,
    data: "newinstance,ptmxmode=0666",
  },
];

const shell = (script: string): readonly Op[] => [
  { op: "cloexecFrom", why: "only 0, 1 and 2", first: 3 },
  {
    op: "exec",
    why: "args",
    candidates: ["/bin/sh"],
    argv: ["sh", "-c", script],
    env: ["PATH=/bin"],
  },
];

/** A container of new mount and pid namespaces on `root`. */
export function planContainer(root: string, script: string, shape: Shape = {}): Plan {
  return [
    ...(shape.before ?? []),
    { op: "clone", why: "namespaces", flags: CLONE_NEWNS + CLONE_NEWPID },
    { op: "setsid", why: "session" },
    {
      op: "mountAttr",
      why: "isolation",
      target: "/",
      set: 0,
      clear: 0,
      propagation: 1 << 18,
      recursive: true,
    },
    { op: "bind", why: "root", source: root, target: root, recursive: false },
    { op: "open", why: "root", path: root, flags: O_PATH_DIRECTORY, slot: 0 },
    { op: "mkdir", why: "proc", path: "proc", root: 0, mode: 0o755 },
    { op: "mount", why: "proc", fstype: "proc", source: "proc", target: "proc", root: 0, flags: 0, data: "" },
    ...(shape.terminal === true ? [...devpts, ...terminalStreams] : standardStreams),
    { op: "pivotRoot", why: "root", newRoot: root },
    ...(shape.extra ?? []),
    { op: "awaitStart", why: "created" },
    ...shell(script),
  ];
}

/** A further process in the namespaces of `pid`. */
export const planFurther = (pid: number, script: string): Plan => [
  { op: "pidfd", why: "join", pid, slot: 5 },
  { op: "setns", why: "join", slot: 5, flags: CLONE_NEWNS + CLONE_NEWPID },
  { op: "clone", why: "in the pid namespace", flags: 0 },
  ...standardStreams,
  ...shell(script),
];

function makeRoot(folder: string, name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["sh", "cat", "echo", "sleep", "yes", "head", "dd", "stty", "true", "kill", "wc"])
    symlinkSync("busybox", join(root, "bin", applet));
  mkdirSync(join(root, "dev"), { recursive: true });
  return root;
}

export async function startNativeMachine(shape: Shape = {}): Promise<NativeMachine> {
  execFileSync("sh", [join(native, "build.sh")]);
  const folder = await mkdtemp(join(tmpdir(), "gantry-native-"));
  const socket = join(folder, "zygote.sock");
  const binary = process.env.GANTRY_TEST_EXEC ?? join(native, "build/gantry-exec");
  const executor = await startZygote({ binary, socket });
  const root = makeRoot(folder, "root");
  const scripts = new Map<string, string>();
  const inits: number[] = [];
  const shims = new NativeShims({
    socketPath: socket,
    compile: ({ id, io }) => ({
      plan: planContainer(root, scripts.get(id) ?? "true", {
        ...shape,
        terminal: io.kind !== "null" && io.terminal,
      }),
      undo: shape.undo ?? [],
    }),
    control: () => ({
      planExec: (process, initPid) => planFurther(initPid, process.args?.join(" ") ?? ""),
      pids: async () => [],
      freeze: async () => {},
      update: async () => {},
    }),
    removeCgroups: async () => {},
  });
  const stateDir = (id: string): string => join(folder, id);
  return {
    folder,
    socket,
    executor,
    shims,
    stateDir,
    create: async (id, io, script, signal = never) => {
      scripts.set(id, script);
      mkdirSync(stateDir(id), { mode: 0o711, recursive: true });
      const spec = { ociVersion: "1.2.0" };
      return await shims.create({ id, stateDir: stateDir(id), spec, rootfs: [], io }, signal).then((shim) => {
        inits.push(shim.initPid);
        return shim;
      });
    },
    [Symbol.asyncDispose]: async () => {
      for (const pid of inits) killIfOurs(pid, folder);
      await executor[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A test that failed may have left its container: its root tells that it is ours. */
function killIfOurs(pid: number, folder: string): void {
  try {
    const { ino, dev } = statSync(`/proc/${pid}/root/bin`);
    const ours = statSync(join(folder, "root/bin"));
    if (ino === ours.ino && dev === ours.dev) process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

export const attached = (options: Partial<Extract<ProcessIo, { kind: "attach" }>> = {}): ProcessIo => ({
  kind: "attach",
  terminal: false,
  stdin: false,
  stdinOnce: false,
  ...options,
});

/** What Docker's frames say, by stream. */
export function readFrames(bytes: Buffer): { readonly stdout: string; readonly stderr: string } {
  const text: [string, string] = ["", ""];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4);
    text[bytes[at] === 2 ? 1 : 0] += bytes.toString("utf8", at + 8, at + 8 + size);
    at += 8 + size;
  }
  return { stdout: text[0], stderr: text[1] };
}

export async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

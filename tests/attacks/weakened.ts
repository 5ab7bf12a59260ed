// Builds with a hole, for tests only: a check counts if it fails on one of these. A weakening changes the plans on their way to
// gantry-exec, or the sources of a gantry-exec of its own; nothing in src/ or native/ knows of it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cgroupPaths } from "#kernel/cgroups/paths.ts";
import { killCgroup } from "#kernel/cgroups/processes.ts";
import { removeCgroups } from "#kernel/cgroups/remove.ts";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { compileContainer } from "#libcontainer/compile.ts";
import { compileExec } from "#libcontainer/compile-exec.ts";
import type { NativeShimOptions } from "#main/native-shims.ts";
import { NativeShims } from "#shim/native/native-shims.ts";
import type { AdoptRequest, Shims } from "#shim/shim.ts";
import type { Process } from "#spec/oci-runtime.ts";
import { type ContainerMachine, startContainerMachine } from "../libcontainer/container-machine.ts";

export interface Weakening {
  /** Of containers and of further processes. */
  readonly plan?: (plan: Plan) => Plan;
  /** Text of native/ that occurs once, and what stands there instead. */
  readonly native?: readonly (readonly [text: string, instead: string])[];
  /** What the compiler would refuse: the working directory goes into the plan as it was asked for, the user as its lower 32 bits. */
  readonly unchecked?: boolean;
}

export type Change = NonNullable<Weakening["native"]>[number];

/** C that comes before every system call of a plan, with its `number` and its arguments `a`. */
export const beforeCalls = (statement: string): Change => [
  "const long *a = step->arguments, number = call_numbers[step->code];",
  `long a[STEP_ARGUMENTS], number = call_numbers[step->code];
\tmemcpy(a, step->arguments, sizeof(a));
\t${statement}`,
];

/** Failures that do not count: a condition in C on the `step` and its `value`. */
export const unfailing = (condition: string): Change => [
  "if (value < 0 && !(step.flags & STEP_LOOKS))",
  `if (value < 0 && !(step.flags & STEP_LOOKS) && !(${condition}))`,
];

/** A working directory may lie outside of the root. */
export const anyDirectory = unfailing('step.label && strcmp(step.label, "getcwd") == 0');

type OpOf<Name extends Op["op"]> = Extract<Op, { readonly op: Name }>;
const isOp =
  <Name extends Op["op"]>(name: Name) =>
  (op: Op): op is OpOf<Name> =>
    op.op === name;

/** Leaves out the operations of a kind. */
export const without =
  <Name extends Op["op"]>(name: Name, which: (op: OpOf<Name>) => boolean = () => true) =>
  (plan: Plan): Plan =>
    plan.filter((op) => !(isOp(name)(op) && which(op)));

/** Puts others in the place of each operation of a kind. */
export const instead =
  <Name extends Op["op"]>(name: Name, change: (op: OpOf<Name>) => Plan) =>
  (plan: Plan): Plan =>
    plan.flatMap((op) => (isOp(name)(op) ? change(op) : [op]));

export const both =
  (...changes: readonly ((plan: Plan) => Plan)[]) =>
  (plan: Plan): Plan =>
    changes.reduce((changed, change) => change(changed), plan);

const native = join(import.meta.dirname, "../../native");

const compiler = ["-std=c17", "-O0", `-I${native}`];

/** What no weakening changes is compiled once. */
const objects = { folder: "" };

function compileObjects(): string {
  if (objects.folder !== "") return objects.folder;
  const folder = mkdtempSync(join(tmpdir(), "gantry-objects-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  execFileSync("cc", [...compiler, "-c", ...globSync(join(native, "*.c"))], { cwd: folder });
  objects.folder = folder;
  return folder;
}

/** gantry-exec from changed sources. Fails if there is nothing to change any more. */
export function buildWeakened(folder: string, changes: NonNullable<Weakening["native"]>): string {
  const left = new Set(changes);
  const compiled = globSync(join(native, "*.c")).map((path) => {
    const name = basename(path, ".c");
    const text = readFileSync(path, "utf8");
    const fitting = [...left].filter(([wanted]) => text.split(wanted).length === 2);
    if (fitting.length === 0) return join(compileObjects(), `${name}.o`);
    for (const change of fitting) left.delete(change);
    const source = join(folder, `${name}.c`);
    writeFileSync(
      source,
      fitting.reduce((whole, [wanted, other]) => whole.replace(wanted, () => other), text),
    );
    return source;
  });
  assert.deepEqual([...left], [], "the sources do not have this text once");
  const binary = join(folder, "gantry-exec");
  execFileSync("cc", [...compiler, "-static", "-o", binary, ...compiled]);
  return binary;
}

const project = join(import.meta.dirname, "../..");

/** The program of the threads that read and write trees, from changed sources. Fails if there is nothing to change any more. */
export function copyWeakenedWorker(folder: string, file: string, changes: readonly Change[]): URL {
  for (const path of ["package.json", "src/base", "src/containerd", "src/formats", "src/kernel", "src/spec"])
    cpSync(join(project, path), join(folder, path), { recursive: true });
  const worker = "src/main/tree-worker.ts";
  cpSync(join(project, worker), join(folder, worker));
  let text = readFileSync(join(folder, file), "utf8");
  for (const [wanted, other] of changes) {
    assert.equal(text.split(wanted).length, 2, `${file} does not have this once: ${wanted}`);
    text = text.replace(wanted, () => other);
  }
  writeFileSync(join(folder, file), text);
  return pathToFileURL(join(folder, worker));
}

export interface AttackedMachine extends ContainerMachine {
  /** The program that runs the plans; the machine's own copy, so that an attack may spoil it. */
  readonly binary: string;
}

/** A machine whose containers are made the weakened way; as they are without a weakening. */
export async function startAttackedMachine(weakening: Weakening = {}): Promise<AttackedMachine> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "gantry-weakened-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { plan = (same: Plan): Plan => same, native: changes } = weakening;
  let used = weakening.plan === undefined;
  const weaken = (whole: Plan): Plan => {
    const changed = plan(whole);
    used ||= changed.length !== whole.length || changed.some((op, index) => op !== whole[index]);
    return changed;
  };
  const binary = changes === undefined ? copyBinary(folder) : buildWeakened(folder, changes);
  const machine = stack.use(
    await startContainerMachine({
      binary,
      createShims: (options) => createShims(options, weaken, weakening.unchecked === true),
    }),
  );
  stack.defer(async () => assert.ok(used, "the weakening has changed no plan"));
  const end = stack.move();
  return { ...machine, binary, [Symbol.asyncDispose]: () => end.disposeAsync() };
}

function copyBinary(folder: string): string {
  execFileSync("sh", [join(native, "build.sh")]);
  const path = join(folder, "gantry-exec");
  copyFileSync(join(native, "build/gantry-exec"), path);
  return path;
}

/** Compiles for what no check minds, and puts the right working directory into the plan. */
function uncheck(process: Process, compile: (process: Process) => Plan): Plan {
  const { cwd, user = { uid: 0, gid: 0 } } = process;
  const checked = {
    ...process,
    cwd: "/",
    user: { ...user, uid: user.uid >>> 0 === 2 ** 32 - 1 ? 0 : user.uid >>> 0 },
  };
  return instead("chdir", (op) => [{ ...op, path: cwd }])(compile(checked));
}

function createShims(
  { socketPath, host, warn }: NativeShimOptions,
  weaken: (plan: Plan) => Plan,
  anyCwd: boolean,
): Shims {
  const through = (process: Process, compile: (process: Process) => Plan): Plan =>
    weaken(anyCwd ? uncheck(process, compile) : compile(process));
  const pathsOf = ({ id, spec }: AdoptRequest) =>
    cgroupPaths(host.cgroups, spec.linux?.cgroupsPath ?? `/${id}`);
  return new NativeShims({
    socketPath,
    compile: async ({ id, spec, rootfs, stateDir }) => {
      assert.ok(spec.process);
      const compile = (process: Process) =>
        compileContainer({ ...spec, process }, { id, rootfs, bundle: stateDir, host });
      const { undo } = compile({ ...spec.process, cwd: "/", user: { uid: 0, gid: 0 } });
      return { undo, plan: through(spec.process, (process) => compile(process).plan) };
    },
    control: ({ id, spec }) => ({
      planExec: (process, initPid) =>
        through(process, (given) => compileExec(spec, given, { id, initPid, host, warn })),
      pids: () => Promise.reject(new Error("not asked for")),
      freeze: () => Promise.reject(new Error("not asked for")),
      update: () => Promise.reject(new Error("not asked for")),
    }),
    removeCgroups: async (container) => {
      await killCgroup(pathsOf(container));
      await removeCgroups(pathsOf(container));
    },
  });
}

// What tests of mounts share: mounts of the machine that end with the test, and a container's view of its own.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type MountInfo, parseMountInfo } from "#kernel/mountinfo/parse-mountinfo.ts";
import {
  type ContainerMachine,
  defaultProcess,
  dockerSpec,
  outcomeOf,
  type SpecChoices,
} from "./container-machine.ts";

const mountHost = (...words: readonly string[]): void => void execFileSync("mount", words, { stdio: "pipe" });

/** A tmpfs of the machine with another one at `inner`, both with these options. Unmounted with its scope. */
export function mountTree(path: string, options = "rw", propagation = "private"): Disposable {
  mkdirSync(path, { recursive: true });
  mountHost("-t", "tmpfs", "-o", "mode=755", "tmpfs", path);
  mountHost(`--make-${propagation}`, path);
  mkdirSync(join(path, "inner"));
  mountHost("-t", "tmpfs", "-o", "mode=755", "tmpfs", join(path, "inner"));
  for (const mounted of [join(path, "inner"), path]) mountHost("-o", `remount,bind,${options}`, mounted);
  return { [Symbol.dispose]: () => execFileSync("umount", ["-R", path]) };
}

export interface View {
  readonly stdout: string;
  readonly stderr: string;
  /** The mount at a path as the container sees it; the topmost one. */
  at(path: string): MountInfo | undefined;
}

const mark = "-- mounts --";

/** Runs a script in a container that may mount and has no filter, and looks at its mounts then. */
export async function look(
  machine: ContainerMachine,
  choices: SpecChoices & { readonly root?: string } = {},
  script = "true",
): Promise<View> {
  const whole = `${script}; echo; echo "${mark}"; cat /proc/self/mountinfo`;
  const root = choices.root ?? machine.makeRoot();
  const spec = dockerSpec(machine.host, root, whole, {
    ...choices,
    process: { capabilities: mightyCapabilities, ...choices.process },
  });
  const { seccomp: _none, ...linux } = spec.linux ?? {};
  await using container = await machine.create({ ...spec, linux });
  const { stdout, stderr } = await outcomeOf(container.shim);
  const [said = "", mounts = ""] = stdout.split(`${mark}\n`);
  const infos = parseMountInfo(mounts);
  return {
    stdout: said.trimEnd(),
    stderr,
    at: (path) => infos.findLast(({ mountPoint }) => mountPoint === path),
  };
}

const { bounding = [] } = defaultProcess("").capabilities ?? {};
const mighty = [...bounding, "CAP_SYS_ADMIN"];
const mightyCapabilities = { bounding: mighty, effective: mighty, permitted: mighty };

// What the qemu guest needs that the machine does not have: Debian's cloud kernel, unpacked in a cache folder, and an initial file
// system with the modules that lead to the machine's files. Made once for each kernel that Debian offers.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";

export interface KernelFiles {
  readonly kernel: string;
  readonly initialFiles: string;
  readonly modules: string;
}

const flavour = "linux-image-cloud-amd64";
const needed = ["virtio_pci", "virtiofs", "overlay"];

const run = (command: readonly string[], cwd?: string): string =>
  execFileSync(command[0] ?? "", command.slice(1), { encoding: "utf8", ...(cwd !== undefined && { cwd }) });

/** The package that the flavour stands for at present: "linux-image-6.1.0-42-cloud-amd64". */
function findKernelPackage(): string {
  const name = /^\s*Depends: (linux-image-\S+)$/m.exec(run(["apt-cache", "depends", flavour]))?.[1];
  if (name === undefined) throw new Error(`apt knows no ${flavour}: run apt-get update`);
  return name;
}

export function provideKernel(): KernelFiles {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "gantry");
  const name = findKernelPackage();
  const folder = join(cache, name);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const scratch = mkdtempSync(join(cache, "unpack-"));
    run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], scratch);
    const [archive = ""] = readdirSync(scratch);
    run(["dpkg-deb", "-x", archive, "."], scratch);
    rmSync(join(scratch, archive));
    run(["depmod", "-b", scratch, versionIn(scratch)]);
    renameSync(scratch, folder);
  }
  const version = versionIn(folder);
  const modules = join(folder, "lib/modules", version);
  const initialFiles = join(folder, "initial-files");
  packInitialFiles(modules, initialFiles);
  return { kernel: join(folder, "boot", `vmlinuz-${version}`), initialFiles, modules };
}

const versionIn = (folder: string): string => readdirSync(join(folder, "lib/modules"))[0] ?? "";

/** Paths of the needed modules below `modules`, each after those that it needs itself. */
function orderModules(modules: string): readonly string[] {
  const lines = readFileSync(join(modules, "modules.dep"), "utf8").trim().split("\n");
  const known = new Map(lines.map((line) => line.split(":") as [string, string]));
  const ordered = needed.flatMap((name) => {
    const path = [...known.keys()].find((key) => basename(key) === `${name}.ko`);
    // A module that is built in has no file; modules.dep lists what must come first last.
    return path === undefined ? [] : [path, ...(known.get(path)?.split(" ").filter(Boolean) ?? [])].reverse();
  });
  return [...new Set(ordered)];
}

function packInitialFiles(modules: string, target: string): void {
  const root = mkdtempSync(`${target}-`);
  for (const name of ["bin", "modules", "proc", "sys", "dev", "root", "machine", "memory"])
    mkdirSync(join(root, name));
  cpSync("/bin/busybox", join(root, "bin/busybox"));
  cpSync(join(import.meta.dirname, "qemu-init.sh"), join(root, "init"));
  const order = orderModules(modules);
  for (const path of order) cpSync(join(modules, path), join(root, "modules", basename(path)));
  writeFileSync(join(root, "modules/order"), order.map((path) => `${basename(path)}\n`).join(""));
  const names = execFileSync("find", ["."], { cwd: root });
  const archive = execFileSync("cpio", ["-o", "-H", "newc", "--quiet"], {
    cwd: root,
    input: names,
    maxBuffer: 256 << 20,
  });
  writeFileSync(target, archive);
  rmSync(root, { recursive: true });
}

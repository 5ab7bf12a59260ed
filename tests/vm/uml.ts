// The guest for every run: User Mode Linux, a Linux kernel that is a program (Debian's user-mode-linux). Its root file system is the
// machine's own, so there is no image to make. It has one processor, cgroup version 2 without cpuset, and no families of nf_tables.

import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GuestEnd, type GuestFolder, runGuest } from "./guest.ts";

const kernel = "/usr/bin/linux.uml";
const MEMORY_MIB = 2048;

/** The guest's memory is an unlinked file: in memory, too, if that has room. */
function memoryFolder(): string {
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize > MEMORY_MIB * 1024 * 1024 ? "/dev/shm" : tmpdir();
}

export interface UmlOptions {
  readonly systemd: boolean;
  readonly seconds: number;
}

export async function runUml(folder: GuestFolder, { systemd, seconds }: UmlOptions): Promise<GuestEnd> {
  const needed = [kernel, ...(systemd ? ["/lib/systemd/systemd", "/usr/bin/dbus-daemon"] : [])];
  const missing = needed.filter((path) => !existsSync(path));
  if (missing.length > 0) return { kind: "unavailable", reason: `not installed: ${missing.join(", ")}` };
  const command = [
    kernel,
    `mem=${MEMORY_MIB}M`,
    "root=/dev/root",
    "rootfstype=hostfs",
    "rootflags=/",
    "ro",
    `init=${join(import.meta.dirname, "uml-init.sh")}`,
    `GANTRY_GUEST=${folder.path}`,
    ...(systemd ? ["GANTRY_SYSTEMD=1"] : []),
    "con=null",
    "con0=null,fd:1",
    "quiet",
    "apparmor=1",
    "security=apparmor",
    "panic=-1 init_on_alloc=0",
    `uml_dir=${folder.path}`,
    "umid=guest",
  ];
  return await runGuest(folder, command, { seconds, env: { TMPDIR: memoryFolder() } });
}

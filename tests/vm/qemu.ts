// The guest for what User Mode Linux has not: AppArmor with nftables, cpuset, criu, systemd as process 1, several processors. A whole
// machine by qemu with Debian's cloud kernel, slow where it is emulated. Its root file system, too, is the machine's own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type GuestEnd, type GuestFolder, runGuest } from "./guest.ts";
import { provideKernel } from "./qemu-files.ts";

/** Debian packages of the guest, each with a file that tells whether it is there. */
const packages: Readonly<Record<string, string>> = {
  "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
  "qemu-system-common": "/usr/lib/qemu/virtiofsd",
  apparmor: "/sbin/apparmor_parser",
  cpio: "/usr/bin/cpio",
  criu: "/usr/sbin/criu",
  dbus: "/usr/bin/dbus-daemon",
  kmod: "/sbin/depmod",
  systemd: "/lib/systemd/systemd",
};

export interface QemuOptions {
  readonly systemd: boolean;
  readonly seconds: number;
}

export async function runQemu(folder: GuestFolder, options: QemuOptions): Promise<GuestEnd> {
  const missing = Object.entries(packages).filter(([, path]) => !existsSync(path));
  if (missing.length > 0) {
    const names = missing.map(([name]) => name).join(" ");
    return { kind: "unavailable", reason: `apt-get install --no-install-recommends ${names}` };
  }
  await using shared = await shareRoot(folder);
  return await runGuest(folder, commandLine(folder, shared.socket, options), {
    seconds: options.seconds,
    env: {},
  });
}

interface SharedRoot extends AsyncDisposable {
  readonly socket: string;
}

/** The machine's files for the guest's kernel. */
async function shareRoot(folder: GuestFolder): Promise<SharedRoot> {
  const socket = join(folder.path, "files.sock");
  const flags = [
    "--rlimit-nofile=0",
    `--socket-path=${socket}`,
    "-o",
    "source=/",
    "-o",
    "sandbox=chroot",
    "-o",
    "cache=auto",
    "-o",
    "xattr",
  ];
  const server = spawn("/usr/lib/qemu/virtiofsd", flags, { stdio: "ignore" });
  const ended = once(server, "close");
  for (let tries = 0; tries < 100 && !existsSync(socket); tries++) await setTimeout(50);
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      server.kill("SIGKILL");
      await ended;
    },
  };
}

const MEMORY_MIB = 4096;

/** Emulation by default: it works everywhere, which nested virtualisation does not. GANTRY_VM_ACCEL=kvm is quick where it works. */
const accelerator = process.env.GANTRY_VM_ACCEL ?? "tcg";

function commandLine(folder: GuestFolder, socket: string, { systemd }: QemuOptions): readonly string[] {
  const { kernel, initialFiles, modules } = provideKernel();
  const kernelLine = [
    "console=ttyS0 quiet cgroup_no_v1=all apparmor=1 security=apparmor",
    "mitigations=off init_on_alloc=0 no_timer_check tsc=reliable random.trust_cpu=on panic=-1 oops=panic rdinit=/init",
    `GANTRY_GUEST=${folder.path} GANTRY_MODULES=${modules}`,
    `GANTRY_MAIN=${join(import.meta.dirname, "guest-main.sh")}`,
    ...(systemd ? ["GANTRY_SYSTEMD=1"] : []),
  ].join(" ");
  return [
    ...["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-M", `q35,accel=${accelerator}`, "-cpu", "max,pku=off", "-smp", "2", "-m", `${MEMORY_MIB}`],
    ...["-object", `memory-backend-memfd,id=memory,size=${MEMORY_MIB}M,share=on`],
    ...["-numa", "node,memdev=memory"],
    ...["-chardev", `socket,id=files,path=${socket}`],
    ...["-device", "vhost-user-fs-pci,chardev=files,tag=machine"],
    ...["-kernel", kernel, "-initrd", initialFiles, "-append", kernelLine, "-serial", "stdio"],
  ];
}

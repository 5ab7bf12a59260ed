// Standard streams: what the shim put into their slots, or a terminal of the container's own devpts.

import type { Op, Plan } from "#kernel/plan/ops.ts";
import type { Process } from "#spec/oci-runtime.ts";
import { O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../linux-flags.table.ts";
import {
  PTY_MASTER_SLOT,
  PTY_SLAVE_SLOT,
  ROOT_SLOT,
  SCRATCH_SLOT,
  STDERR_SLOT,
  STDIN_SLOT,
  STDOUT_SLOT,
} from "../slots.ts";

const why = "process.terminal";

/** Opens a terminal and sends its master to the shim, or to whoever listens at the path `consoleSocket`. */
export function planOpenTerminal(process: Process, consoleSocket = ""): Plan {
  if (process.terminal !== true) return [];
  const size = process.consoleSize;
  return [
    { op: "openPty", why, root: ROOT_SLOT, master: PTY_MASTER_SLOT, slave: PTY_SLAVE_SLOT },
    ...(size === undefined
      ? []
      : [{ op: "windowSize", why, slot: PTY_MASTER_SLOT, rows: size.height, cols: size.width } as const]),
    ...(consoleSocket === ""
      ? [{ op: "sendFd", why, slot: PTY_MASTER_SLOT } as const]
      : planPassTerminal(consoleSocket)),
    { op: "close", why, slot: PTY_MASTER_SLOT },
  ];
}

/** With a name, for people. The terminal is sent first: not everyone who runs host operations may take it. */
function planPassTerminal(path: string): Plan {
  const console = { why: `console socket ${path}`, slot: PTY_MASTER_SLOT } as const;
  return [
    { op: "sendFd", ...console, kept: true },
    { op: "passFd", ...console, host: true, sent: true, path, parts: ["/dev/ptmx"] },
    { op: "close", ...console, host: true },
  ];
}

/** The terminal is also /dev/console. */
export function planConsole(process: Process): Plan {
  if (process.terminal !== true) return [];
  const at = { why: `${why} /dev/console` };
  return [
    { op: "touch", ...at, path: "/dev/console", root: ROOT_SLOT, mode: 0o600 },
    // Not what a symlink of the image leads to (CVE-2025-52565): that is opened itself, and nothing is mounted on it.
    {
      op: "open",
      ...at,
      path: "/dev/console",
      root: ROOT_SLOT,
      flags: O_PATH | O_NOFOLLOW | O_CLOEXEC,
      slot: SCRATCH_SLOT,
    },
    {
      op: "bind",
      ...at,
      sourceSlot: PTY_SLAVE_SLOT,
      target: "",
      root: SCRATCH_SLOT,
      recursive: false,
    },
    { op: "close", ...at, slot: SCRATCH_SLOT },
  ];
}

export const callerStreams = [STDIN_SLOT, STDOUT_SLOT, STDERR_SLOT] as const;

export function planStandardStreams(process: Process): Plan {
  const terminal = process.terminal === true;
  const slots = terminal ? [PTY_SLAVE_SLOT, PTY_SLAVE_SLOT, PTY_SLAVE_SLOT] : callerStreams;
  const control: Plan = terminal ? [{ op: "controllingTty", why, slot: PTY_SLAVE_SLOT }] : [];
  return [
    ...control,
    ...slots.map((slot, fd): Op => ({ op: "dupTo", why: "standard streams", slot, fd })),
    ...[...new Set(slots)].map((slot): Op => ({ op: "close", why: "standard streams", slot })),
    // With a terminal, whoever waits for the end of the caller's streams must not wait for the container.
    ...(terminal
      ? callerStreams.map((slot): Op => ({ op: "close", why: "streams of the caller", slot, mayFail: true }))
      : []),
  ];
}

// The device policy of a version 2 cgroup: a BPF_PROG_TYPE_CGROUP_DEVICE program that returns 1 to allow.
//
//   struct bpf_cgroup_dev_ctx { u32 access_type; /* type | access << 16 */ u32 major; u32 minor; }

import { EbpfProgram } from "#formats/bpf/ebpf.ts";
import type { DeviceException, DevicePolicy } from "./device-rules.ts";

const DEVICE_BLOCK = 1;
const DEVICE_CHAR = 2;
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

const CONTEXT = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;
const WORK = 6;

export function buildDeviceProgram(policy: DevicePolicy): Uint8Array {
  const program = new EbpfProgram()
    .load32(TYPE, CONTEXT, 0)
    .copy32(ACCESS, TYPE)
    .and32(TYPE, 0xffff)
    .shiftRight32(ACCESS, 16)
    .load32(MAJOR, CONTEXT, 4)
    .load32(MINOR, CONTEXT, 8);
  for (const [index, exception] of policy.exceptions.entries())
    addException(program, exception, { allow: !policy.allow, next: `exception ${index + 1}` });
  return program
    .set32(0, policy.allow ? 1 : 0)
    .exit()
    .assemble();
}

/** An access is granted when one exception grants all of it, and refused when one refuses some of it: as version 1 does. */
function addException(
  program: EbpfProgram,
  { type, major, minor, access }: DeviceException,
  { allow, next }: { readonly allow: boolean; readonly next: string },
): void {
  program.jumpIfNotEqual(TYPE, type === "b" ? DEVICE_BLOCK : DEVICE_CHAR, next);
  if (major >= 0) program.jumpIfNotEqual(MAJOR, major, next);
  if (minor >= 0) program.jumpIfNotEqual(MINOR, minor, next);
  const bits = [...access].reduce((sum, letter) => sum | (accessBits[letter] ?? 0), 0);
  program.copy32(WORK, ACCESS);
  if (allow) program.and32(WORK, ALL_ACCESS & ~bits).jumpIfNotEqual(WORK, 0, next);
  else program.and32(WORK, bits).jumpIfEqual(WORK, 0, next);
  program
    .set32(0, allow ? 1 : 0)
    .exit()
    .label(next);
}

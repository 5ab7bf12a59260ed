// The kernel's calling conventions that a filter tells apart, and the numbers of their system calls.

import { armSyscalls } from "./syscalls-arm.table.ts";
import { arm64Syscalls } from "./syscalls-arm64.table.ts";
import { ia32Syscalls } from "./syscalls-ia32.table.ts";
import { x32Syscalls } from "./syscalls-x32.table.ts";
import { x64Syscalls } from "./syscalls-x64.table.ts";

export interface Architecture {
  /** AUDIT_ARCH_*: `arch` of struct seccomp_data. */
  readonly audit: number;
  /** Added to every number: x32 is x86-64 with a bit set. */
  readonly base: number;
  /** Width of an argument. */
  readonly bits: 32 | 64;
  readonly table: string;
}

const AUDIT_ARCH_X86_64 = 0xc000003e;
export const X32_BIT = 0x40000000;

/** By the name in an OCI specification. Others cannot occur on the machines that Gantry runs on. */
export const architectures: Readonly<Record<string, Architecture>> = {
  SCMP_ARCH_X86_64: { audit: AUDIT_ARCH_X86_64, base: 0, bits: 64, table: x64Syscalls },
  SCMP_ARCH_X32: { audit: AUDIT_ARCH_X86_64, base: X32_BIT, bits: 64, table: x32Syscalls },
  SCMP_ARCH_X86: { audit: 0x40000003, base: 0, bits: 32, table: ia32Syscalls },
  SCMP_ARCH_AARCH64: { audit: 0xc00000b7, base: 0, bits: 64, table: arm64Syscalls },
  SCMP_ARCH_ARM: { audit: 0x40000028, base: 0, bits: 32, table: armSyscalls },
};

/** Every other name of the specification. */
const foreign =
  "MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X RISCV64 LOONGARCH64 M68K SH SHEB PARISC PARISC64";
export const architectureNames: ReadonlySet<string> = new Set([
  ...Object.keys(architectures),
  ...foreign.split(" ").map((name) => `SCMP_ARCH_${name}`),
]);

/** Node's name of a machine to its own convention. */
export const nativeArchitecture: Readonly<Record<string, string>> = {
  x64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
};

const parsed = new Map<string, ReadonlyMap<string, number>>();

/** Names to numbers, read from the table at the first use. */
export function syscallNumbers({ table }: Architecture): ReadonlyMap<string, number> {
  const numbers = parsed.get(table) ?? parseTable(table);
  parsed.set(table, numbers);
  return numbers;
}

/** A number in the table says where to count on. */
function parseTable(table: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of table.trim().split(/\s+/)) {
    if (/^\d+$/.test(word)) next = Number(word);
    else numbers.set(word, next++);
  }
  return numbers;
}

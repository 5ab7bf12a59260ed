// Writes src/libcontainer/seccomp/syscalls-*.table.ts from the kernel headers of this machine, as the C preprocessor reads them.
//   node tools/gen-syscalls.ts [ARM_INCLUDE_DIRECTORY]
// 32-bit ARM is written only when its headers are given (Debian: linux-libc-dev-armhf-cross).

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** From 451 on, every architecture has the same numbers: what is newer than the headers of a stable distribution. */
const unified = {
  first: 451,
  names:
    "cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr " +
    "lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr " +
    "file_getattr file_setattr",
};

/** Newer than the headers, and of one architecture. */
const extra: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: { uretprobe: 335, uprobe: 336 },
};

const sources: Readonly<Record<string, readonly string[]>> = {
  x64: ["-include", "asm/unistd_64.h"],
  ia32: ["-include", "asm/unistd_32.h"],
  x32: ["-D__X32_SYSCALL_BIT=0", "-include", "asm/unistd_x32.h"],
  arm64: [
    ...["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3", "MEMFD_SECRET"].map(
      (name) => `-D__ARCH_WANT_${name}`,
    ),
    "-include",
    "asm-generic/unistd.h",
  ],
};

const [, , armIncludes] = process.argv;
const arm = ["-nostdinc", "-D__ARM_EABI__", "-I", armIncludes ?? "", "-include", "asm/unistd.h"];

function readNumbers(flags: readonly string[]): ReadonlyMap<string, number> {
  const macros = execFileSync("cc", ["-E", "-dM", ...flags, "-x", "c", "/dev/null"], { encoding: "utf8" });
  const values = new Map(
    [...macros.matchAll(/^#define (__\w+) (.+)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
  const evaluate = (text: string): number =>
    text
      .replaceAll(/[()]/g, "")
      .split("+")
      .map((part) => part.trim())
      .reduce((sum, part) => sum + (values.has(part) ? evaluate(values.get(part) ?? "") : Number(part)), 0);
  const numbers = new Map<string, number>();
  for (const [macro, value] of values) {
    const [, name] = /^__(?:NR|ARM_NR)_(\w+)$/.exec(macro) ?? [];
    if (
      name !== undefined &&
      !/^(syscalls|arch_specific_syscall|SYSCALL_BASE|BASE|OABI_\w+|SYSCALL_MASK)$/.test(name)
    )
      numbers.set(name, evaluate(value));
  }
  for (const [index, name] of unified.names.split(" ").entries()) numbers.set(name, unified.first + index);
  return numbers;
}

/** Names in the order of their numbers; a number stands before a name that does not follow the one before it. */
function writeTable(arch: string, numbers: ReadonlyMap<string, number>): void {
  const words: string[] = [];
  let expected = -1;
  for (const [name, number] of [...numbers].sort(([, a], [, b]) => a - b)) {
    if (number !== expected) words.push(String(number));
    words.push(name);
    expected = number + 1;
  }
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 108) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  writeFileSync(
    join(import.meta.dirname, `../src/libcontainer/seccomp/syscalls-${arch}.table.ts`),
    `// System calls of ${arch}, by tools/gen-syscalls.ts: names in the order of their numbers; a number says where to count on.\n\n` +
      `export const ${arch}Syscalls = \`\n${lines.join("\n")}\n\`;\n`,
  );
}

for (const [arch, flags] of Object.entries(sources))
  writeTable(arch, new Map([...readNumbers(flags), ...Object.entries(extra[arch] ?? {})]));
if (armIncludes !== undefined) writeTable("arm", readNumbers(arm));

// Comparisons of a system call's arguments. BPF has 32 bits and arguments have 64: each half is loaded and compared by itself.

import { invalid } from "#base/errors.ts";
import type { ClassicProgram } from "#formats/bpf/classic.ts";
import type { SeccompArgument } from "#spec/oci-runtime.ts";

/** Offset of args[0] in struct seccomp_data; the lower half of each comes first. */
const ARGUMENTS = 16;

/**
 * Arguments that the kernel takes as 32 bits: what the caller left in the upper half does not count,
 * or 2^32 + AF_ALG would pass for a family that is greater than AF_VSOCK.
 */
const intArguments: Readonly<Record<string, readonly number[]>> = {
  socket: [0, 1, 2],
  socketpair: [0, 1, 2],
  personality: [0],
};

export interface Condition {
  readonly index: number;
  readonly op: string;
  readonly value: bigint;
  readonly second: bigint;
  readonly bits: 32 | 64;
}

export const OPS: ReadonlySet<string> = new Set(
  ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((op) => `SCMP_CMP_${op}`),
);
const MAX_U64 = 2n ** 64n - 1n;

export function readCondition(argument: SeccompArgument, syscall: string, bits: 32 | 64): Condition {
  const { index, value, valueTwo = 0, op } = argument;
  if (!Number.isInteger(index) || index < 0 || index > 5)
    throw invalid(
      `unable to init seccomp: error creating seccomp syscall condition for syscall ${syscall}: syscalls only have up to 6 arguments (${index} given)`,
    );
  if (!OPS.has(op)) throw invalid(`string ${op} is not a valid operator for seccomp`);
  return {
    index,
    op,
    value: toU64(value),
    second: toU64(valueTwo),
    bits: intArguments[syscall]?.includes(index) === true ? 32 : bits,
  };
}

/** What JSON gave as a number beyond 2^53 has been rounded; the only one that profiles use is 2^64 - 1, which became 2^64. */
function toU64(value: number | bigint): bigint {
  if (typeof value === "number" && !Number.isInteger(value))
    throw invalid(`seccomp argument value ${value} is not valid`);
  const exact = BigInt(value);
  if (exact < 0n) throw invalid(`seccomp argument value ${value} is not valid`);
  return exact > MAX_U64 ? MAX_U64 : exact;
}

const low = (value: bigint): number => Number(value & 0xffffffffn);
const high = (value: bigint): number => Number(value >> 32n);

interface Branches {
  readonly yes: string;
  readonly no: string;
}

/** Goes to `yes` or `no`; neither need be the next instruction. */
export function emitCondition(program: ClassicProgram, condition: Condition, { yes, no }: Branches): void {
  const inverse = { yes: no, no: yes };
  switch (condition.op) {
    case "SCMP_CMP_EQ":
      emitEqual(program, { ...condition, second: condition.value, value: MAX_U64 }, { yes, no });
      break;
    case "SCMP_CMP_NE":
      emitEqual(program, { ...condition, second: condition.value, value: MAX_U64 }, inverse);
      break;
    case "SCMP_CMP_MASKED_EQ":
      emitEqual(program, condition, { yes, no });
      break;
    case "SCMP_CMP_GT":
      emitGreater(program, condition, "greater", { yes, no });
      break;
    case "SCMP_CMP_GE":
      emitGreater(program, condition, "greaterOrEqual", { yes, no });
      break;
    case "SCMP_CMP_LE":
      emitGreater(program, condition, "greater", inverse);
      break;
    default:
      emitGreater(program, condition, "greaterOrEqual", inverse);
  }
}

/** argument & value == second & value: bits of the second that the mask leaves out do not count, as with libseccomp. */
function emitEqual(
  program: ClassicProgram,
  { index, value, second, bits }: Condition,
  { yes, no }: Branches,
): void {
  const wanted = second & value;
  if (bits === 64 && high(value) !== 0) {
    loadMasked(program, ARGUMENTS + index * 8 + 4, high(value));
    program.branch("equal", high(wanted), { no });
  }
  loadMasked(program, ARGUMENTS + index * 8, low(value));
  program.branch("equal", low(wanted), { yes, no });
}

function loadMasked(program: ClassicProgram, offset: number, mask: number): void {
  program.load(offset);
  if (mask !== 0xffffffff) program.and(mask);
}

function emitGreater(
  program: ClassicProgram,
  { index, value, bits }: Condition,
  test: "greater" | "greaterOrEqual",
  { yes, no }: Branches,
): void {
  if (bits === 64) {
    program.load(ARGUMENTS + index * 8 + 4);
    program.branch("greater", high(value), { yes });
    program.branch("equal", high(value), { no });
  }
  program.load(ARGUMENTS + index * 8);
  program.branch(test, low(value), { yes, no });
}

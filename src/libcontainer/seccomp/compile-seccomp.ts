// The filter of a container: linux.seccomp of its specification as a classic BPF program.
//
//   arch ---- not in the profile ------------> kill
//    | x86-64, i386, ...
//   number -- x32's bit ---------------------> its own search
//    | binary search over ranges of numbers that have the same answer
//   answer, or comparisons of arguments, or ENOSYS for a number newer than all that the profile names

import { invalid, unsupported } from "#base/errors.ts";
import { ClassicProgram } from "#formats/bpf/classic.ts";
import type { Seccomp } from "#spec/oci-runtime.ts";
import type { HostFacts } from "../host-facts.ts";
import { ERRNO_ENOSYS, isLenient, KILL_THREAD } from "./actions.ts";
import {
  type Architecture,
  architectureNames,
  architectures,
  nativeArchitecture,
  syscallNumbers,
  X32_BIT,
} from "./architectures.ts";
import { emitCondition } from "./conditions.ts";
import { filterFlags } from "./flags.ts";
import { checkListener } from "./listener.ts";
import { type Outcome, outcomesOf, type Profile, readProfile } from "./outcomes.ts";

export interface CompiledFilter {
  /** struct sock_filter[], little endian. */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
  /** Some calls are handed to a listener. */
  readonly listens: boolean;
}

type Host = Pick<HostFacts, "arch" | "kernel">;

const exact = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

/** A few profiles serve all containers of a machine; each is compiled once. */
const compiled = new Map<string, CompiledFilter>();
const KEPT = 16;
/** By the profile itself: to write it down costs more than all else of an exec's plan. */
const seen = new WeakMap<Seccomp, { readonly host: Host; readonly filter: CompiledFilter }>();

export function compileSeccomp(seccomp: Seccomp | undefined, host: Host): CompiledFilter | undefined {
  if (seccomp === undefined) return undefined;
  const last = seen.get(seccomp);
  if (last?.host === host) return last.filter;
  const filter = findFilter(seccomp, host);
  seen.set(seccomp, { host, filter });
  return filter;
}

function findFilter(seccomp: Seccomp, host: Host): CompiledFilter {
  const key = `${host.arch} ${host.kernel.major}.${host.kernel.minor} ${JSON.stringify(seccomp, exact)}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const listens = checkListener(seccomp);
  const program = compileProgram(seccomp, host.arch);
  const filter = { program, flags: filterFlags(seccomp.flags, host, listens), listens };
  if (compiled.size >= KEPT) compiled.delete(compiled.keys().next().value ?? "");
  compiled.set(key, filter);
  return filter;
}

/** Offsets in struct seccomp_data. */
const NUMBER = 0;
const ARCH = 4;

function compileProgram(seccomp: Seccomp, arch: string): Uint8Array {
  const profile = readProfile(seccomp);
  const beyond = answersUnknown(seccomp) ? ERRNO_ENOSYS : undefined;
  const program = new ClassicProgram();
  const byAudit = Map.groupBy(chosenArchitectures(seccomp, arch), ({ audit }) => audit);
  const entries = [...byAudit].map(([audit, variants]) => ({ audit, variants, label: program.newLabel() }));
  program.load(ARCH);
  for (const { audit, label } of entries) program.branch("equal", audit, { yes: label });
  program.return(KILL_THREAD);
  for (const { label, variants } of entries) {
    program.label(label);
    program.load(NUMBER);
    emitRanges(program, rangesOf(profile, variants, beyond));
  }
  return program.assemble();
}

/** The machine's own is always among them. */
function chosenArchitectures({ architectures: names = [] }: Seccomp, arch: string): readonly Architecture[] {
  const native = nativeArchitecture[arch];
  if (native === undefined) throw unsupported(`linux.seccomp on ${arch}`);
  const chosen = [...new Set([native, ...names])];
  for (const name of chosen)
    if (!architectureNames.has(name)) throw invalid(`string ${name} is not a valid arch for seccomp`);
  return chosen.flatMap((name) => architectures[name] ?? []);
}

/** Programs try new calls and fall back on ENOSYS; another answer would break them with every new kernel and library. */
const answersUnknown = ({ defaultAction, defaultErrnoRet }: Seccomp): boolean =>
  !isLenient(defaultAction) && !(defaultAction === "SCMP_ACT_ERRNO" && defaultErrnoRet === 38);

/** From `first` to the next range's. */
interface Range {
  readonly first: number;
  readonly outcome: Outcome;
}

/** Numbers of what belongs to one processor only (set_tls of ARM) are far above all others. */
const PRIVATE_NUMBERS = 0xf0000;

/** `beyond`: the answer for numbers above all that the profile names; undefined is the default answer. */
function rangesOf(
  profile: Profile,
  variants: readonly Architecture[],
  beyond: number | undefined,
): readonly Range[] {
  const ranges: Range[] = [];
  const add = (first: number, outcome: Outcome): void => {
    if (ranges.at(-1)?.first === first) ranges.pop();
    if (ranges.at(-1)?.outcome !== outcome) ranges.push({ first, outcome });
  };
  const isX64 = variants.some(
    ({ audit, base }) => audit === architectures.SCMP_ARCH_X86_64?.audit && base === 0,
  );
  for (const variant of variants.toSorted((a, b) => a.base - b.base)) {
    const { base } = variant;
    const outcomes = [...outcomesOf(profile, syscallNumbers(variant), variant)].sort(([a], [b]) => a - b);
    const newest = outcomes.findLast(([number]) => number < PRIVATE_NUMBERS)?.[0] ?? -1;
    add(base, newest < 0 && beyond !== undefined ? beyond : profile.defaultAnswer);
    for (const [number, outcome] of outcomes) {
      add(base + number, outcome);
      const above = number >= newest ? (beyond ?? profile.defaultAnswer) : profile.defaultAnswer;
      add(base + number + 1, above);
    }
  }
  if (isX64 && variants.length === 1) add(X32_BIT, beyond ?? KILL_THREAD);
  return ranges;
}

function emitRanges(program: ClassicProgram, ranges: readonly Range[]): void {
  const middle = ranges.length >> 1;
  const upper = ranges[middle];
  if (upper === undefined) return;
  if (middle === 0) {
    emitOutcome(program, upper.outcome);
    return;
  }
  const label = program.newLabel();
  program.branch("greaterOrEqual", upper.first, { yes: label });
  emitRanges(program, ranges.slice(0, middle));
  program.label(label);
  emitRanges(program, ranges.slice(middle));
}

function emitOutcome(program: ClassicProgram, outcome: Outcome): void {
  if (typeof outcome === "number") {
    program.return(outcome);
    return;
  }
  for (const { conditions, answer } of outcome.alternatives) {
    const next = program.newLabel();
    for (const condition of conditions) {
      const yes = program.newLabel();
      emitCondition(program, condition, { yes, no: next });
      program.label(yes);
    }
    program.return(answer);
    program.label(next);
  }
  program.return(outcome.otherwise);
}

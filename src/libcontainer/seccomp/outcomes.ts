// What a profile says about each system call of one architecture.
//
// Rules that disagree: the strictest that matches is obeyed, as the kernel does among filters. So a denial is never lost to a rule
// that allows more, not even one that equals the default action.

import type { Seccomp, SeccompArgument, SeccompRule } from "#spec/oci-runtime.ts";
import { actionValue, strictness } from "./actions.ts";
import type { Architecture } from "./architectures.ts";
import { type Condition, readCondition } from "./conditions.ts";

/** All conditions must hold for the answer. */
export interface Alternative {
  readonly conditions: readonly Condition[];
  readonly answer: number;
}

/** The answer, or alternatives to try in order and the answer if none holds. */
export type Outcome = number | { readonly alternatives: readonly Alternative[]; readonly otherwise: number };

interface NamedRule {
  readonly args: readonly (readonly SeccompArgument[])[];
  readonly answer: number;
}

export interface Profile {
  readonly defaultAnswer: number;
  readonly rules: ReadonlyMap<string, readonly NamedRule[]>;
}

/** Rules by system call, strictest first. Throws for what no kernel understands. */
export function readProfile(seccomp: Seccomp): Profile {
  const rules = new Map<string, NamedRule[]>();
  for (const rule of seccomp.syscalls ?? []) {
    const named = { answer: actionValue(rule.action, rule.errnoRet), args: alternativesOf(rule) };
    for (const name of rule.names) {
      const known = rules.get(name);
      if (known === undefined) rules.set(name, [named]);
      else known.push(named);
    }
  }
  for (const known of rules.values()) known.sort((a, b) => strictness(a.answer) - strictness(b.answer));
  return { defaultAnswer: actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet), rules };
}

/** Two conditions on one argument mean that either may hold. */
function alternativesOf({ args = [] }: SeccompRule): NamedRule["args"] {
  const distinct = new Set(args.map(({ index }) => index)).size === args.length;
  return distinct ? [args] : args.map((argument) => [argument]);
}

/** By number, for the names that this architecture has. */
export function outcomesOf(
  profile: Profile,
  numbers: ReadonlyMap<string, number>,
  { bits }: Architecture,
): ReadonlyMap<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  for (const [name, rules] of profile.rules) {
    const number = numbers.get(name);
    if (number !== undefined) outcomes.set(number, outcomeOf(name, rules, profile.defaultAnswer, bits));
  }
  return outcomes;
}

function outcomeOf(name: string, rules: readonly NamedRule[], defaultAnswer: number, bits: 32 | 64): Outcome {
  const unconditional = rules.findIndex(({ args }) => args.some((conditions) => conditions.length === 0));
  const conditional = unconditional < 0 ? rules : rules.slice(0, unconditional);
  const otherwise = unconditional < 0 ? defaultAnswer : (rules[unconditional]?.answer ?? defaultAnswer);
  if (conditional.length === 0) return otherwise;
  const alternatives = conditional.flatMap(({ args, answer }) =>
    args.map((conditions) => ({
      answer,
      conditions: conditions.map((argument) => readCondition(argument, name, bits)),
    })),
  );
  return { alternatives, otherwise };
}

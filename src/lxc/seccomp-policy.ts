// A seccomp profile in LXC's policy language, version 2 (lxc.container.conf(5), SECCOMP CONFIGURATION).

import { unsupported } from "#base/errors.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "#spec/oci-runtime.ts";

const EPERM = 1;

const words: Readonly<Record<string, string>> = {
  SCMP_ACT_ALLOW: "allow",
  SCMP_ACT_KILL: "kill",
  SCMP_ACT_KILL_THREAD: "kill",
  SCMP_ACT_TRAP: "trap",
};

export function seccompPolicy({ defaultAction, defaultErrnoRet, syscalls = [] }: Seccomp): string {
  const fallback = actionWord(defaultAction, defaultErrnoRet);
  const head = fallback === "allow" ? "denylist" : `allowlist ${fallback}`;
  return `2\n${head}\n[all]\n${syscalls.flatMap(ruleLines).join("")}`;
}

function actionWord(action: string, errno = EPERM): string {
  if (action === "SCMP_ACT_ERRNO") return `errno ${errno}`;
  const word = Object.hasOwn(words, action) ? words[action] : undefined;
  if (word === undefined) throw unsupported(`seccomp action ${action} with runtime lxc`);
  return word;
}

function ruleLines({ names, action, errnoRet, args = [] }: SeccompRule): readonly string[] {
  const word = actionWord(action, errnoRet);
  const conditions = args.map((argument) => ` ${condition(argument)}`).join("");
  return names.map((name) => `${name} ${word}${conditions}\n`);
}

/** The mask is `value` in the specification, and the last number in LXC's line. */
const condition = ({ index, value, valueTwo, op }: SeccompArgument): string =>
  op === "SCMP_CMP_MASKED_EQ" ? `[${index},${valueTwo ?? 0},${op},${value}]` : `[${index},${value},${op}]`;

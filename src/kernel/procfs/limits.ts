// /proc/PID/limits.

/** undefined is RLIM_INFINITY. */
export interface Limit {
  readonly soft?: bigint;
  readonly hard?: bigint;
}

const names: Readonly<Record<string, string>> = {
  "cpu time": "RLIMIT_CPU",
  "file size": "RLIMIT_FSIZE",
  "data size": "RLIMIT_DATA",
  "stack size": "RLIMIT_STACK",
  "core file size": "RLIMIT_CORE",
  "resident set": "RLIMIT_RSS",
  processes: "RLIMIT_NPROC",
  "open files": "RLIMIT_NOFILE",
  "locked memory": "RLIMIT_MEMLOCK",
  "address space": "RLIMIT_AS",
  "file locks": "RLIMIT_LOCKS",
  "pending signals": "RLIMIT_SIGPENDING",
  "msgqueue size": "RLIMIT_MSGQUEUE",
  "nice priority": "RLIMIT_NICE",
  "realtime priority": "RLIMIT_RTPRIO",
  "realtime timeout": "RLIMIT_RTTIME",
};

/** Lines "Max open files            1024                 524288               files". */
export function parseLimits(text: string): ReadonlyMap<string, Limit> {
  const limits = new Map<string, Limit>();
  for (const line of text.split("\n")) {
    const [, label = "", soft = "", hard = ""] =
      /^Max (.+?)\s{2,}(\d+|unlimited)\s+(\d+|unlimited)/.exec(line) ?? [];
    const name = names[label];
    if (name === undefined) continue;
    limits.set(name, {
      ...(soft !== "unlimited" && { soft: BigInt(soft) }),
      ...(hard !== "unlimited" && { hard: BigInt(hard) }),
    });
  }
  return limits;
}

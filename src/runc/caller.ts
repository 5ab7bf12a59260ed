// Who runs the command: its folder, environment and standard streams, which need not be those of the process that does the work.

import { resolve } from "node:path";

export interface Caller {
  readonly pid: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person reads the standard error. */
  readonly hasErrorTerminal: boolean;
  /** Resolves when the text is on its way; what nobody reads any more is dropped. */
  write(fd: 1 | 2, text: string): Promise<void>;
  /** All of the standard input. */
  readInput(): Promise<string>;
}

/** The file that the caller means by `path`, also by "/dev/stdin" or "/proc/self/fd/3". */
export function callerPath({ pid, cwd }: Pick<Caller, "pid" | "cwd">, path: string): string {
  const absolute = resolve(cwd, path);
  const own = /^\/proc\/(?:self|thread-self)(\/.*)$/.exec(absolute)?.[1] ?? deviceFd(absolute);
  return own === undefined ? absolute : `/proc/${pid}${own}`;
}

const standardFds: Readonly<Record<string, string>> = {
  "/dev/stdin": "/fd/0",
  "/dev/stdout": "/fd/1",
  "/dev/stderr": "/fd/2",
};

const deviceFd = (path: string): string | undefined =>
  standardFds[path] ?? /^\/dev(\/fd\/\d+)$/.exec(path)?.[1];

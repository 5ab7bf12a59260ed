// Programs under test: run to the end, or kept running until they are disposed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly netns?: string;
}

/** The command as it runs inside a named network namespace; nsenter keeps the cgroup mounts visible. */
const inNamespace = (netns: string | undefined, command: readonly string[]): readonly string[] =>
  netns === undefined ? command : ["nsenter", `--net=/run/netns/${netns}`, "--", ...command];

function start(command: readonly string[], options: RunOptions): ChildProcess {
  const [program = "", ...args] = inNamespace(options.netns, command);
  return spawn(program, args, { stdio: "pipe", env: { ...process.env, ...options.env } });
}

/** Less than a test may take (tools/test.ts): so the test itself says what it waited for. */
const PATIENCE_MS = 240_000;

/** Rejects with what `describe` says if the promise has not settled in time. */
async function inTime<T>(promise: Promise<T>, describe: () => string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(describe())), PATIENCE_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function gather(stream: NodeJS.ReadableStream | null, onText: (text: string) => void): void {
  stream?.setEncoding("utf8").on("data", onText);
}

/** Runs a program to its end; never rejects for its exit code, but for one that does not end: it is killed then. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = start(command, options);
  let [stdout, stderr] = ["", ""];
  gather(child.stdout, (text) => {
    stdout += text;
  });
  gather(child.stderr, (text) => {
    stderr += text;
  });
  child.stdin?.on("error", () => {}); // a program may end without reading its input
  child.stdin?.end(options.input ?? "");
  const [code, signal] = await inTime(once(child, "close"), () => {
    child.kill("SIGKILL");
    return `${command.join(" ")} has not ended\n${stdout}${stderr}`;
  });
  return { code: signal === null ? Number(code) : -1, stdout, stderr };
}

/** Like `run`, but a non-zero exit code is an error that shows what was printed. */
export async function must(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, options);
  if (result.code !== 0) {
    throw new Error(`${command.join(" ")} exited with ${result.code}\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}

/** The owner ends it: `undo.defer(() => background.end())`. */
export interface Background {
  readonly pid: number;
  /** All that the program printed so far on both streams. */
  output(): string;
  /** Resolves when a line that matches was printed (also if that was before); rejects if the program ends first, or if none comes. */
  line(pattern: RegExp): Promise<string>;
  /** Sends the signal and resolves when the program has ended. */
  signal(name: NodeJS.Signals): Promise<void>;
  end(): Promise<void>;
}

/** Starts a program that runs until `end` (SIGTERM). */
export function startBackground(command: readonly string[], options: RunOptions = {}): Background {
  const child = start(command, options);
  let printed = "";
  const watchers = new Set<() => void>();
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve();
      for (const wake of watchers) wake();
    });
  });
  for (const stream of [child.stdout, child.stderr])
    gather(stream, (text) => {
      printed += text;
      for (const wake of watchers) wake();
    });
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (running()) child.kill(name);
    await inTime(ended, () => {
      child.kill("SIGKILL");
      return `${command.join(" ")} has not ended at ${name}\n${printed}`;
    });
  };
  return {
    pid: child.pid ?? 0,
    output: () => printed,
    signal,
    line: (pattern) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const failed = (why: string): string => `${command.join(" ")} ${why} ${pattern}\n${printed}`;
      const look = (): void => {
        const found = printed.split("\n").find((line) => pattern.test(line));
        if (found !== undefined) resolve(found);
        else if (!running()) reject(new Error(failed("ended without")));
      };
      watchers.add(look);
      look();
      return inTime(promise, () => failed("has not printed")).finally(() => watchers.delete(look));
    },
    end: () => signal("SIGTERM"),
  };
}

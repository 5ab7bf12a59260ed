// A TCP connection that stays open, from a network namespace to a server that sends back what it gets.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface HeldConnection {
  /** Sends a line and returns the one that comes back; undefined once the connection has ended. */
  echo(line: string): Promise<string | undefined>;
}

/** `namespace`: a path, "/proc/17/ns/net". Ends with the stack. */
export function holdConnection(
  undo: AsyncDisposableStack,
  namespace: string,
  address: string,
  port: number,
): HeldConnection {
  const words = [`--net=${namespace}`, "busybox", "nc", address, String(port)];
  const child = spawn("nsenter", words, { stdio: ["pipe", "pipe", "inherit"] });
  undo.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  child.stdin.on("error", () => {}); // it may have ended
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    echo: async (line) => {
      child.stdin.write(`${line}\n`);
      const { value } = await lines.next();
      return value;
    },
  };
}

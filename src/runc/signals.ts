import { constants } from "node:os";
import { invalid } from "#base/errors.ts";
import type { Supervisor } from "./runtime.ts";

/** "KILL", "SIGKILL", "kill" or a number. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^(SIG)?/, "SIG");
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw invalid(`unknown signal "${text}"`);
  return number;
}

const forwarded = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM"] as const;

/** Signals of the command go to the process instead, until this is disposed. */
export function forwardSignals(supervisor: Supervisor, execId: string): Disposable {
  const forward = (_name: NodeJS.Signals, number: number): void => {
    supervisor.kill(execId, number, false).catch(() => {}); // it ended
  };
  for (const name of forwarded) process.on(name, forward);
  return {
    [Symbol.dispose]: () => {
      for (const name of forwarded) process.off(name, forward);
    },
  };
}

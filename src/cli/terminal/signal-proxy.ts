// Signals that this program gets are the container's while it is attached without a terminal.

import type { Session } from "../session.ts";

const PROXIED: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGTERM",
  "SIGCONT",
  "SIGALRM",
];

/** Sends each on by `kill`; a failure means that the container is gone, and its end is on its way to us. */
export function proxySignals(session: Session, kill: (name: string) => Promise<void>): Disposable {
  const stack = new DisposableStack();
  for (const name of PROXIED)
    stack.use(session.surroundings.onSignal(name, () => void kill(name).catch(() => undefined)));
  return stack;
}

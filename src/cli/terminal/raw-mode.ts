// The user's terminal as the container's: raw while we are attached, as it was when we leave.

import type { Session } from "../session.ts";

/** Does nothing where the input is no terminal. The terminal is restored when the result is disposed. */
export function enterRawMode(session: Session): Disposable {
  const { stdin } = session.surroundings;
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return { [Symbol.dispose]: () => undefined };
  stdin.setRawMode(true);
  return { [Symbol.dispose]: () => stdin.setRawMode?.(false) };
}

/** Docker's check before anything is created: a terminal in the container needs one out here. */
export function checkTerminal(
  session: Session,
  wanted: { readonly tty: boolean; readonly stdin: boolean },
): void {
  if (wanted.tty && wanted.stdin && session.surroundings.stdin.isTTY !== true)
    throw new Error("the input device is not a TTY");
}

export interface WindowSize {
  readonly h: number;
  readonly w: number;
}

export function windowSize(session: Session): WindowSize | undefined {
  const { stdout } = session.surroundings;
  if (stdout.isTTY !== true || !stdout.rows || !stdout.columns) return undefined;
  return { h: stdout.rows, w: stdout.columns };
}

/**
 * Makes a program that is running already draw itself anew: a size that differs, before the true one. Failures are let be.
 */
export async function provokeRedraw(
  session: Session,
  resize: (size: WindowSize) => Promise<void>,
): Promise<void> {
  const size = windowSize(session);
  if (size === undefined) return;
  await resize({ h: size.h + 1, w: size.w + 1 }).catch(() => undefined);
}

/** Tells the size now and whenever it changes; a failure (the process is not there yet, or no longer) is retried, then let be. */
export function followWindowSize(
  session: Session,
  resize: (size: WindowSize) => Promise<void>,
  signal: AbortSignal,
): Disposable {
  const tell = async (): Promise<void> => {
    for (let attempt = 0; attempt < 5 && !signal.aborted; attempt++) {
      const size = windowSize(session);
      if (size === undefined) return;
      try {
        return await resize(size);
      } catch {
        await new Promise((wake) => setTimeout(wake, 10 * (attempt + 1)));
      }
    }
  };
  const start = (): void => {
    tell().catch(() => undefined);
  };
  start();
  return session.surroundings.onSignal("SIGWINCH", start);
}

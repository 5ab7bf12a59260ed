// A line from the user at a terminal.

import { StringDecoder } from "node:string_decoder";
import type { Session } from "./session.ts";

/** Without its end; "" at the end of the input. A hidden line is not shown while it is typed. Rejects if the user interrupts it. */
export async function promptLine(
  session: Session,
  question: string,
  { hidden }: { readonly hidden: boolean },
  signal: AbortSignal,
): Promise<string> {
  const { stdin } = session.surroundings;
  session.out(question);
  if (!hidden) return (await readLine(stdin, signal)).trim();
  stdin.setRawMode?.(true);
  try {
    return await readLine(stdin, signal);
  } finally {
    stdin.setRawMode?.(false);
    session.out("\n");
  }
}

/** Raw mode leaves it to us what erases a character and what interrupts. */
async function readLine(
  stdin: AsyncIterable<unknown> & NodeJS.ReadableStream,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new StringDecoder();
  let line = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onData = (chunk: Buffer): void => {
    for (const character of decoder.write(chunk)) {
      if (character === "\r" || character === "\n" || character === "\x04") resolve(line);
      if (character === "\x03") reject(new Error("context canceled"));
      line = character === "\x7f" || character === "\b" ? line.slice(0, -1) : line + character;
    }
  };
  const onEnd = (): void => resolve(line);
  const onAbort = (): void => reject(signal.reason);
  stdin.on("data", onData).on("end", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await promise;
  } finally {
    stdin.off("data", onData).off("end", onEnd);
    signal.removeEventListener("abort", onAbort);
    stdin.pause();
  }
}

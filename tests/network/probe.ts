// Runs tests/network/sender.ts in namespaces.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Namespace } from "./namespaces.ts";

const program = join(import.meta.dirname, "sender.ts");

/** Listens on the ports, at every address of the namespace. */
export async function serve(
  undo: AsyncDisposableStack,
  namespace: Pick<Namespace, "path">,
  proto: "tcp" | "udp",
  ...ports: readonly number[]
): Promise<void> {
  const args = [`--net=${namespace.path}`, process.execPath, program, "serve", proto, ...ports.map(String)];
  const child = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
  undo.defer(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  await once(child.stdout, "data");
}

type Question = readonly [from: Pick<Namespace, "run">, proto: "tcp" | "udp", address: string, port: number];

async function wait(patienceMs: number, [from, proto, address, port]: Question): Promise<string> {
  const words = ["ask", proto, address, String(port), String(patienceMs)];
  return (await from.run(process.execPath, program, ...words)).output.trim();
}

/** "80 from 10.0.0.1": who was reached and whom it saw; "none" if nobody answers. */
export const ask = (...question: Question): Promise<string> => wait(20_000, question);

/** The questions that are answered, asked at once; nobody is waited for long. */
export async function answered(...questions: readonly Question[]): Promise<readonly string[]> {
  const answers = await Promise.all(questions.map((question) => wait(600, question)));
  return questions.flatMap(([, , address, port], index) =>
    answers[index] === "none" ? [] : [`${address} ${port}: ${answers[index]}`],
  );
}

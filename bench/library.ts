// What a container costs a running program: from the call to the exit of `true`, with Docker's default isolation, a network namespace and
// cgroups; beside it, the same program without a container.
//   node bench/library.ts [ROUNDS]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Container, openLibcontainer, type Spec } from "#main/libcontainer.ts";
import { makeBusyboxRoot } from "../tests/system/images.ts";

const rounds = Number(process.argv[2] ?? 100);
/** Milliseconds between two rounds, not counted: the library makes the next shim ready meanwhile. */
const PAUSE = 10;

const middle = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

async function measure(name: string, round: () => Promise<unknown>, after?: () => Promise<unknown>) {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await round();
    times.push(performance.now() - start);
    await after?.();
  }
  const tenth = Math.ceil(rounds / 10);
  const [first, last] = [middle(times.slice(tenth, 3 * tenth)), middle(times.slice(-2 * tenth))];
  const text = (ms: number): string => ms.toFixed(2).padStart(6);
  console.log(
    `${name.padEnd(42)}${text(middle(times))} ms, least ${text(Math.min(...times))}, early ${text(first)}, late ${text(last)}`,
  );
}

await using root = await makeBusyboxRoot();
await using library = await openLibcontainer();
const spec = (args: readonly string[]): Spec => library.sandbox({ root: root.path, args });
const isTrue = spec(["/bin/true"]);
const exec = library.process({ args: ["/bin/true"] });
let latest: Container | undefined;
const settle = async (): Promise<void> => {
  await latest?.delete();
  await delay(PAUSE);
};

for (const stdio of ["ignore", "pipe"] as const) {
  const run = async (): Promise<void> => {
    latest = await library.run(isTrue, { stdio });
    await latest.wait();
  };
  await measure(`run true, stdio ${stdio}`, run, settle);
  const idle = await library.run(spec(["/bin/sleep", "1000"]));
  await measure(`exec true, stdio ${stdio}`, async () => await (await idle.exec(exec, { stdio })).wait());
  await idle.delete();
}
await measure("run true and delete, without a pause", async () => {
  await using container = await library.run(isTrue, { stdio: "ignore" });
  await container.wait();
});
const bare = (): Promise<unknown> => once(spawn(`${root.path}/bin/true`, { stdio: "ignore" }), "exit");
await measure("child_process.spawn, no container", bare, () => delay(PAUSE));

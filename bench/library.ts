// What a container costs a running program: from the call to the exit of `true`, with Docker's default isolation, a network namespace and
// cgroups. Compared with spawning the same program without a container.
//   node bench/library.ts [ROUNDS]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { openLibcontainer, type Spec } from "#main/libcontainer.ts";
import { makeBusyboxRoot } from "../tests/system/images.ts";

const rounds = Number(process.argv[2] ?? 100);

const middle = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

async function measure(name: string, round: () => Promise<void>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await round();
    times.push(performance.now() - start);
  }
  const tenth = Math.ceil(rounds / 10);
  const [first, last] = [middle(times.slice(tenth, 2 * tenth)), middle(times.slice(-tenth))];
  const text = (ms: number): string => ms.toFixed(2);
  console.log(
    `${name.padEnd(34)} ${text(middle(times))} ms, least ${text(Math.min(...times))}; second tenth ${text(first)}, last tenth ${text(last)}`,
  );
}

await using root = await makeBusyboxRoot();
await using library = await openLibcontainer();
const spec = (args: readonly string[]): Spec => library.sandbox({ root: root.path, args });

const removals: Promise<void>[] = [];
for (const stdio of ["ignore", "pipe"] as const) {
  const isTrue = spec(["/bin/true"]);
  await measure(`run true, ${stdio}`, async () => {
    const container = await library.run(isTrue, { stdio });
    await container.wait();
    removals.push(container.delete());
  });
  await Promise.all(removals.splice(0));
  const idle = await library.run(spec(["/bin/sleep", "1000"]));
  const exec = library.process({ args: ["/bin/true"] });
  await measure(`exec true, ${stdio}`, async () => {
    await (await idle.exec(exec, { stdio })).wait();
  });
  await idle.delete();
}
const isTrue = spec(["/bin/true"]);
await measure("run true, and nothing left", async () => {
  await using container = await library.run(isTrue, { stdio: "ignore" });
  await container.wait();
});
await measure("child_process.spawn true", async () => {
  await once(spawn(`${root.path}/bin/true`, { stdio: "ignore" }), "exit");
});

// The command line's program.

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProgram } from "#cli/program.ts";
import type { ListenToSignal } from "#cli/session.ts";

const onSignal: ListenToSignal = (name, listener) => {
  process.on(name, listener);
  return { [Symbol.dispose]: () => process.off(name, listener) };
};

/** bin/gantryd of this checkout or package, whether we run from src/main, from a bundle in dist, or as one executable. */
function daemonProgram(): string {
  const homes = [process.argv[1], process.execPath].filter((path) => path !== undefined && existsSync(path));
  const candidates = homes.flatMap((home) => {
    const folder = dirname(realpathSync(home ?? ""));
    return ["../../bin/gantryd", "../bin/gantryd", "gantryd"].map((path) => join(folder, path));
  });
  return candidates.find((path) => existsSync(path)) ?? "gantryd";
}

async function main(): Promise<number> {
  const { env, stdout, stderr } = process;
  // A reader that leaves (`gantry ps | head -1`) is no error.
  stdout.on("error", () => process.exit(0));
  stderr.on("error", () => process.exit(1));
  return await runProgram(
    process.argv.slice(2),
    {
      env,
      get stdin() {
        return process.stdin; // 8 ms that most commands do not need
      },
      stdout,
      stderr,
      onSignal,
      startDaemon: async (signal) => {
        const { startDaemon } = await import("#cli/autostart.ts");
        await startDaemon({ program: daemonProgram(), stderr }, signal);
      },
      get daemonProgram() {
        return daemonProgram();
      },
      openManifestRegistry: async (options) => {
        const { openManifestRegistry } = await import("./manifest-registry.ts");
        return await openManifestRegistry(options);
      },
      now: () => Date.now(),
    },
    new AbortController().signal,
  );
}

/** What was printed into a pipe and not read yet would go with the process. */
const printed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write("", () => resolve()));

main().then(
  async (code) => {
    await Promise.all([process.stdout, process.stderr].map(printed));
    process.exit(code);
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);

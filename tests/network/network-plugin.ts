// tests/network/plugin-process.ts, started for a test.

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Background, startBackground } from "../system/process.ts";

export interface NetworkPlugin extends AsyncDisposable {
  /** Of the driver: the test's own. */
  readonly name: string;
  /** What it was asked to do since it was started, or since `forget`: "NetworkDriver.Join {…}". */
  asked(): readonly string[];
  forget(): void;
  /** By verbs; {}: as it should. */
  behave(behaviour: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void;
  restart(): Promise<void>;
  kill(): Promise<void>;
}

/** What any daemon of the machine may ask a plugin that it sees is left out. */
const isForItsWork = (text: string): boolean =>
  !/^Plugin\.|\.GetCapabilities|\.GetDefaultAddressSpaces/.test(text);

/** Where dockerd looks for plugins, too. */
const sockets = "/run/docker/plugins";

/** `netns`: of the daemon that it makes interfaces for. */
export async function startNetworkPlugin(netns: string): Promise<NetworkPlugin> {
  await using undo = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "gantry-netplugin-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const name = basename(directory);
  const socket = join(sockets, `${name}.sock`);
  mkdirSync(sockets, { recursive: true });
  undo.defer(() => rmSync(socket, { force: true }));
  const program = join(import.meta.dirname, "plugin-process.ts");
  const launch = async (): Promise<Background> => {
    rmSync(socket, { force: true });
    const started = startBackground([process.execPath, program, socket, directory], { netns });
    await started.line(/^ready$/);
    return started;
  };
  let running = await launch();
  undo.defer(() => running.end());
  let known = 0;
  const all = (): readonly string[] =>
    running
      .output()
      .split("\n")
      .filter((line) => /^\w+\.\w+ /.test(line));
  const cleanup = undo.move();
  return {
    name,
    asked: () => all().slice(known).filter(isForItsWork),
    forget: () => {
      known = all().length;
    },
    behave: (behaviour) => {
      writeFileSync(join(directory, "next.json"), JSON.stringify(behaviour));
      renameSync(join(directory, "next.json"), join(directory, "behave.json"));
    },
    kill: async () => {
      await running.signal("SIGKILL");
      rmSync(socket);
    },
    restart: async () => {
      await running.end();
      known = 0;
      running = await launch();
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

// A web server in a network namespace, for tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./namespaces.ts";

/** Serves its own name on a port. */
export class WebServer implements AsyncDisposable {
  readonly #stop: () => Promise<void>;

  private constructor(stop: () => Promise<void>) {
    this.#stop = stop;
  }

  static async open(namespace: string, name: string, port = 80): Promise<WebServer> {
    const directory = mkdtempSync(join(tmpdir(), "gantry-web-"));
    writeFileSync(join(directory, "index.html"), name);
    const args = [`--net=${namespace}`, "busybox", "httpd", "-f", "-p", String(port), "-h", directory];
    const child = spawn("nsenter", args, { stdio: "ignore" });
    for (let tries = 0; tries < 100; tries++) {
      if ((await run("nsenter", `--net=${namespace}`, ...curl(`http://127.0.0.1:${port}/`))).output === name)
        break;
      await sleep(20);
    }
    return new WebServer(async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      rmSync(directory, { recursive: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

/** A command line that fetches a page within two seconds. */
export const curl = (url: string): readonly [string, ...string[]] => [
  "curl",
  "-gsS",
  "--noproxy",
  "*",
  "-m",
  "2",
  url,
];

// A shim that stands still (SIGSTOP) is the trouble of its own container, and of nobody else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** Whoever waits for the frozen shim would never answer; the machine may be slow. */
const HANGS = 60_000;

let engine: Engine;
let frozen = 0;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
  for (const name of ["frozen", "beside", "stopped", "removed"])
    await engine.docker(
      "run",
      "-d",
      "--stop-signal",
      "KILL",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "echo hello; exec sleep 999",
    );
  const init = await engine.docker("inspect", "-f", "{{.State.Pid}}", "frozen");
  frozen = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${init}/status`, "utf8"))?.[1]);
  process.kill(frozen, "SIGSTOP");
});
after(async () => engine?.[Symbol.asyncDispose]());

const answersOf: Readonly<Record<string, { readonly command: readonly string[]; readonly stdout: RegExp }>> =
  {
    "the list": { command: ["ps", "-a", "--format", "{{.Names}}"], stdout: /frozen\n$/ },
    "the list with sizes": { command: ["ps", "-as", "--format", "{{.Names}}"], stdout: /frozen\n$/ },
    "inspection of the frozen one": {
      command: ["inspect", "-f", "{{.State.Status}}", "frozen"],
      stdout: /^running$/m,
    },
    "inspection of another": {
      command: ["inspect", "-f", "{{.State.Status}}", "beside"],
      stdout: /^running$/m,
    },
    "the frozen one's log": { command: ["logs", "frozen"], stdout: /^hello$/m },
    "an exec in another": { command: ["exec", "beside", "echo", "works"], stdout: /^works$/m },
    "a look at another's processes": { command: ["top", "beside"], stdout: /sleep/ },
    "a copy from another": { command: ["cp", "beside:/etc/group", "-"], stdout: /wheel/ },
    "a stop of another": { command: ["stop", "stopped"], stdout: /^stopped$/m },
    "removal of another": { command: ["rm", "-f", "removed"], stdout: /^removed$/m },
    "a new container": { command: ["run", "--rm", "busybox", "echo", "new"], stdout: /^new$/m },
    "usage of all": {
      command: ["stats", "--no-stream", "--format", "{{.Name}}"],
      stdout: /beside(.|\n)*frozen|frozen(.|\n)*beside/,
    },
    "disk usage": { command: ["system", "df", "-v"], stdout: /frozen/ },
    information: { command: ["info", "-f", "{{.ContainersRunning}}"], stdout: /^\d/ },
    "a listing of networks": { command: ["network", "inspect", "bridge"], stdout: /"Containers"/ },
    "a pause of another": { command: ["pause", "beside"], stdout: /^beside$/m },
    "its going on": { command: ["unpause", "beside"], stdout: /^beside$/m },
  };

test("beside a frozen shim, with requests to it under way, everything else answers", {
  skip,
  timeout: HANGS,
}, async (t) => {
  using api = openApi(engine.socket);
  const exec = Object(
    await api.ask("POST", "/containers/frozen/exec", { Cmd: ["true"], AttachStdout: true }),
  );
  const stuck = [
    api.send("POST", `/exec/${exec.Id}/start`, {}),
    api.send("POST", "/containers/frozen/attach?stream=1&stdout=1"),
    api.send("POST", "/containers/frozen/resize?h=1&w=1"),
  ].map((answer) => answer.catch(() => undefined));
  for (const [what, { command, stdout }] of Object.entries(answersOf))
    await t.test(what, async () => {
      const answer = await engine.tryDocker(command);
      assert.equal(answer.code, 0, answer.stderr);
      assert.match(answer.stdout, stdout);
    });
  process.kill(frozen, "SIGCONT");
  while ((await engine.tryDocker(["exec", "frozen", "true"])).code !== 0) await delay(20);
  await engine.docker("rm", "-f", "frozen", "beside", "stopped");
  await Promise.all(stuck);
});

// What a container could do to the processes that set it up or enter it, and to the program that they run.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Container, defaultProcess, dockerSpec } from "../libcontainer/container-machine.ts";
import { type Build, testAttack } from "./attack.ts";
import { buildProbe, putProbe } from "./probe.ts";
import { type AttackedMachine, without } from "./weakened.ts";

const never = new AbortController().signal;
const PR_SET_DUMPABLE = 4;

/** `done`: whether so many entries were enough. */
async function enterOften(
  { shim }: Container,
  program: string,
  done: (entries: number) => boolean,
): Promise<void> {
  for (let count = 0; !done(count); count++) {
    const id = `e${count}`;
    await shim.exec(id, { ...defaultProcess(""), args: [program] }, { kind: "null" }, never);
    await shim.wait(id, never);
  }
}

/** The text of what a file in the container's root says, once it is there. */
const readIf = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

testAttack({
  name: "CVE-2016-9962: a process that enters cannot be looked into or traced, whatever it has open",
  weakening: {
    plan: without("prctl", ({ option }) => option === PR_SET_DUMPABLE),
    native: [["prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);", "prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);"]],
  },
  attempt: async (machine) => {
    const root = machine.makeRoot(putProbe(buildProbe(machine.folder)));
    const spec = dockerSpec(machine.host, root, "exec probe spy /stop > /tmp/seen");
    await using container = await machine.create(spec);
    await container.shim.start(never);
    const seen = (): string => readIf(join(root, "tmp/seen"));
    await enterOften(container, "/bin/true", (entries) => {
      if (entries === 150) writeFileSync(join(root, "stop"), "");
      return seen() !== "";
    }).catch(() => null); // it may end while it is entered
    await container.shim.wait("", never);
    return seen().replace(/^met .*\n/, "");
  },
});

const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** A container that tries to write to the program of whoever enters it, while it lives and after its supervisor is gone. */
async function overwrite(machine: AttackedMachine, entered: string, build: Build): Promise<string> {
  const root = machine.makeRoot((path) => {
    putProbe(buildProbe(machine.folder))(path);
    writeFileSync(join(path, "bin/evil"), "#!/proc/self/exe\n", { mode: 0o755 });
  });
  const programs = [machine.binary, process.execPath];
  const before = programs.map(digest);
  const held = (): boolean => readIf(join(root, "tmp/held")).includes("held");
  await using container = await machine.create(
    dockerSpec(machine.host, root, "exec probe overwrite gantry-exec > /tmp/held"),
  );
  await container.shim.start(never);
  const running = `/proc/${container.shim.pid}/exe`;
  const copy = digest(running);
  await enterOften(container, entered, (entries) => held() || (build === "whole" && entries === 150));
  if (!held()) return "";
  await sleep(200);
  if (digest(running) !== copy) return "the running program";
  process.kill(container.shim.pid, "SIGKILL"); // as after a daemon's end: nobody runs the file any more
  await machine.zygote[Symbol.asyncDispose]();
  await sleep(200);
  return programs.filter((path, index) => digest(path) !== before[index]).join();
}

const unsealed = ["return seals >= 0 && seals & F_SEAL_WRITE;", "return seals != -2;"] as const;

testAttack({
  name: "CVE-2019-5736: the program that enters a container cannot be overwritten through /proc/PID/exe",
  weakening: {
    plan: without("prctl", ({ option }) => option === PR_SET_DUMPABLE),
    native: [["prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);", "prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);"], unsealed],
  },
  attempt: (machine, build) => overwrite(machine, "/bin/true", build),
});

testAttack({
  name: "CVE-2019-5736: a program of the image that is #!/proc/self/exe gets a sealed copy only",
  weakening: { native: [unsealed] },
  attempt: (machine, build) => overwrite(machine, "/bin/evil", build),
});

// gantry-runc, attacked by the containers that it makes and enters: nobody runs its program between two commands, as with runc.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findProcesses } from "../runc/runc-bundle.ts";
import { makeBusyboxRoot } from "../system/images.ts";
import { buildProbe, putProbe } from "./probe.ts";
import { anyDirectory, beforeCalls, buildWeakened, type Weakening } from "./weakened.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const project = join(import.meta.dirname, "../..");

type Changes = NonNullable<Weakening["native"]>;

interface Installed extends AsyncDisposable {
  /** The machine's programs that a container must not change. */
  readonly programs: readonly string[];
  readonly id: string;
  readonly rootfs: string;
  readonly state: string;
  /** Ends with its command. */
  run(...args: readonly string[]): {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  };
  /** Changes config.json. */
  configure(change: (config: Config) => void): void;
  /** `run --detach`, with nothing attached. */
  start(): Promise<void>;
}

interface Config {
  process: { args: string[]; cwd: string; terminal: boolean };
  linux: { cgroupsPath: string; namespaces: { type: string }[] };
  root: { readonly: boolean };
}

/** An installation of its own, so that a successful attack spoils nothing, and a bundle. */
async function install(changes?: Changes): Promise<Installed> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "gantry-attack-runc-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const binary = join(folder, "native/build/gantry-exec");
  for (const path of ["native/build", "node_modules/.bin", "weak", "runtime"])
    mkdirSync(join(folder, path), { recursive: true });
  for (const path of ["bin", "dist", "package.json"])
    cpSync(join(project, path), join(folder, path), { recursive: true });
  symlinkSync(process.execPath, join(folder, "node_modules/.bin/node"));
  const built = changes && buildWeakened(join(folder, "weak"), changes);
  copyFileSync(built ?? join(project, "native/build/gantry-exec"), binary);
  await using root = await makeBusyboxRoot();
  const rootfs = join(folder, "rootfs");
  renameSync(root.path, rootfs);
  putProbe(buildProbe(folder))(rootfs);
  const id = basename(folder);
  const state = join(folder, "state");
  const sockets = await mkdtemp(join(folder, "sockets-"));
  const env = { ...process.env, GANTRY_RUNC_SOCKETS: sockets };
  const command = join(folder, "bin/gantry-runc");
  const run: Installed["run"] = (...args) => {
    const done = spawnSync(command, ["--root", state, ...args], {
      cwd: folder,
      env,
      encoding: "utf8",
      timeout: 120_000,
    });
    return { code: done.status, stdout: done.stdout, stderr: done.stderr };
  };
  assert.equal(run("spec").code, 0);
  const file = join(folder, "config.json");
  const configure: Installed["configure"] = (change) => {
    const config: Config = JSON.parse(readFileSync(file, "utf8"));
    change(config);
    writeFileSync(file, JSON.stringify(config));
  };
  configure((config) => {
    config.process.terminal = false;
    config.root.readonly = false;
    config.linux.cgroupsPath = `/${id}`;
  });
  stack.defer(async () => {
    const intact = join(project, "bin/gantry-runc"); // ours may have been overwritten
    spawnSync(intact, ["--root", state, "delete", "--force", id], { env, timeout: 120_000 });
    const residents = () => findProcesses("environ", `GANTRY_RUNC_RESIDENT=${sockets}`);
    for (const pid of residents()) process.kill(pid, "SIGKILL");
    while (residents().length > 0) await sleep(5);
  });
  const end = stack.move();
  return {
    programs: [binary, process.execPath, join(folder, "dist/gantry-runc.cjs")],
    id,
    rootfs,
    state,
    run,
    configure,
    start: async () => {
      const child = spawn(command, ["--root", state, "run", "--detach", id], {
        cwd: folder,
        env,
        stdio: "ignore",
      });
      assert.deepEqual(await once(child, "exit"), [0, null]);
    },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

function testAttack(name: string, changes: Changes, attempt: (gantry: Installed) => Promise<string>): void {
  test(name, { skip }, async () => {
    await using gantry = await install();
    assert.equal(await attempt(gantry), "");
  });
  test(`weakened: ${name}`, { skip }, async () => {
    await using gantry = await install(changes);
    assert.notEqual(await attempt(gantry), "");
  });
}

const readIf = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

const traceable: Changes = [
  ["prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);", "prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);"],
  beforeCalls("if (number == SYS_prctl && a[0] == 4 /* PR_SET_DUMPABLE */) a[1] = 1;"),
];
const unsealed = ["return seals >= 0 && seals & F_SEAL_WRITE;", "return seals != -2;"] as const;

testAttack("CVE-2016-9962: gantry-runc exec cannot be looked into or traced", traceable, async (gantry) => {
  gantry.configure(({ process: { args } }) =>
    args.splice(0, args.length, "sh", "-c", "exec probe spy /stop > /tmp/seen"),
  );
  await gantry.start();
  for (let count = 0; count < 60; count++) assert.equal(gantry.run("exec", gantry.id, "/bin/true").code, 0);
  writeFileSync(join(gantry.rootfs, "stop"), "");
  const seen = (): string => readIf(join(gantry.rootfs, "tmp/seen"));
  while (seen() === "") gantry.run("exec", gantry.id, "/bin/true");
  return seen().replace(/^met .*\n/, "");
});

testAttack(
  "CVE-2019-5736: gantry-runc and Node cannot be overwritten from a container",
  [...traceable, unsealed],
  async (gantry) => {
    const before = gantry.programs.map(digest);
    gantry.configure(({ process: { args } }) =>
      args.splice(0, args.length, "sh", "-c", "exec probe overwrite gantry-exec > /tmp/held"),
    );
    writeFileSync(join(gantry.rootfs, "bin/evil"), "#!/proc/self/exe\n", { mode: 0o755 });
    await gantry.start();
    for (let count = 0; readIf(join(gantry.rootfs, "tmp/held")) === ""; count++)
      gantry.run("exec", gantry.id, count % 2 === 0 ? "/bin/true" : "/bin/evil");
    await sleep(300);
    return gantry.programs.filter((path, index) => digest(path) !== before[index]).join();
  },
);

testAttack(
  "CVE-2024-21626: neither process.cwd nor exec --cwd leads through a descriptor",
  [
    anyDirectory,
    // A directory of the machine stays open until the program runs, as runc had it.
    [
      "\tcontext.index = from;\n",
      '\tcontext.index = from;\n\tdup3(open("/", O_PATH | O_CLOEXEC), 84, O_CLOEXEC);\n',
    ],
  ],
  async (gantry) => {
    const sentinel = join(gantry.state, "../sentinel");
    writeFileSync(sentinel, "of the machine\n");
    for (let fd = 3; fd < 100; fd++) symlinkSync(`/proc/self/fd/${fd}`, join(gantry.rootfs, `link${fd}`));
    gantry.configure(({ process: { args } }) => args.splice(0, args.length, "sleep", "1000"));
    await gantry.start();
    let found = "";
    for (const fd of [3, 4, 6, 7, 8, 64, 66, 67, 69, 84, 93, 96])
      for (const cwd of [`/proc/self/fd/${fd}`, `/link${fd}`])
        found += gantry.run(
          "exec",
          "--cwd",
          cwd,
          gantry.id,
          "sh",
          "-c",
          `cat .${sentinel} 2>/dev/null`,
        ).stdout;
    return found;
  },
);

test("CVE-2015-3627: gantry-runc's programs find their standard streams only, and what was preserved", {
  skip,
}, async () => {
  await using gantry = await install();
  gantry.configure(({ process: { args } }) => args.splice(0, args.length, "ls", "/proc/self/fd"));
  assert.equal(gantry.run("run", gantry.id).stdout, "0\n1\n2\n3\n");
  gantry.configure(({ process: { args } }) => args.splice(0, args.length, "sleep", "1000"));
  await gantry.start();
  assert.equal(gantry.run("exec", gantry.id, "ls", "/proc/self/fd").stdout, "0\n1\n2\n3\n");
});

test("CVE-2021-41091: what gantry-runc keeps of a container is for its owner only", { skip }, async () => {
  await using gantry = await install();
  gantry.configure(({ process: { args } }) => args.splice(0, args.length, "sleep", "1000"));
  await gantry.start();
  const state = statSync(gantry.state).mode & 0o777;
  const own = statSync(join(gantry.state, gantry.id)).mode & 0o777;
  assert.equal(state & own & 0o077 & ~0o011, 0, `modes ${state.toString(8)} ${own.toString(8)}`);
});

test("CVE-2022-29162: gantry-runc exec leaves the inheritable set empty", { skip }, async () => {
  await using gantry = await install();
  gantry.configure(({ process: { args } }) => args.splice(0, args.length, "sleep", "1000"));
  await gantry.start();
  const { stdout } = gantry.run(
    "exec",
    "--cap",
    "CAP_NET_ADMIN",
    gantry.id,
    "grep",
    "CapInh",
    "/proc/self/status",
  );
  assert.match(stdout, /^CapInh:\s*0{16}$/m);
});

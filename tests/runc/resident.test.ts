// The resident: one for all commands of a place, gone when nobody needs it, and none the wiser for whoever dies on it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../system/until.ts";
import { type Bundle, makeBundle, program } from "./runc-bundle.ts";

const skip = process.getuid?.() !== 0 && "needs root";

async function ended(condition: () => boolean): Promise<void> {
  await until(condition);
  assert.ok(condition());
}

const startCommand = (bundle: Bundle, words: readonly string[], cwd = bundle.path) =>
  spawn(program, [...bundle.globals, ...words], { cwd, env: bundle.env, stdio: "ignore" });

test("fifty commands at once start one resident, which keeps nothing of theirs", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  for (const pid of bundle.residents()) process.kill(pid, "SIGKILL");
  await ended(() => bundle.residents().length === 0);
  const config = readFileSync(join(bundle.path, "config.json"), "utf8");
  const codes = Array.from({ length: 50 }, async (_, index) => {
    const id = `${bundle.id}-${index}`;
    const path = join(bundle.path, "many", id);
    mkdirSync(path, { recursive: true });
    writeFileSync(
      join(path, "config.json"),
      config
        .replaceAll(`/${bundle.id}"`, `/${id}"`)
        .replace('"rootfs"', JSON.stringify(join(bundle.path, "rootfs"))),
    );
    const [code] = await once(startCommand(bundle, ["run", id], path), "exit");
    return code;
  });
  assert.deepEqual(new Set(await Promise.all(codes)), new Set([0]));
  assert.deepEqual(bundle.remains(), []);
  const [pid = 0, ...others] = bundle.residents();
  assert.deepEqual(others, []);
  await ended(() => openFiles(pid).length <= 2); // the listener and this test's own doubt
  assert.equal(readlinkSync(`/proc/${pid}/cwd`), "/");
});

/** Sockets and files that are not Node's own. */
const openFiles = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`)
    .map((fd) => readLink(`/proc/${pid}/fd/${fd}`))
    .filter((target) => target.startsWith("socket:") || target.startsWith("/tmp"));

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

test("a resident without commands ends when its time is over", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  for (const pid of bundle.residents()) process.kill(pid, "SIGKILL");
  await ended(() => bundle.residents().length === 0);
  bundle.env.GANTRY_RUNC_LINGER = "0.2";
  bundle.run(["list"]);
  await ended(() => bundle.residents().length === 0);
  assert.deepEqual(readdirSync(bundle.env.GANTRY_RUNC_SOCKETS ?? ""), []);
});

test("a resident whose socket is taken away ends", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  bundle.run(["list"]);
  assert.equal(bundle.residents().length, 1);
  rmSync(bundle.env.GANTRY_RUNC_SOCKETS ?? "", { recursive: true });
  await ended(() => bundle.residents().length === 0);
});

test("another mount namespace has another resident, which ends when nobody else is there", {
  skip,
}, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  bundle.env.GANTRY_RUNC_LINGER = "60";
  bundle.run(["list"]);
  const here = bundle.residents();
  const count = '"$@" && ls $GANTRY_RUNC_SOCKETS | grep -vc lock';
  const result = bundle.run(["run", bundle.id], { under: ["unshare", "--mount", "sh", "-c", count, "sh"] });
  assert.deepEqual([result.code, result.stdout, result.stderr], [0, "2\n", ""]);
  await ended(() => bundle.residents().length === here.length);
  assert.deepEqual(bundle.residents(), here);
});

test("a command in the foreground survives its resident", { skip }, async () => {
  await using bundle = await makeBundle({
    args: ["sh", "-c", "until test -e /go; do sleep 0.02; done; exit 5"],
  });
  const command = startCommand(bundle, ["run", bundle.id]);
  const exit = once(command, "exit");
  await ended(() => bundle.run(["state", bundle.id]).stdout.includes('"running"'));
  for (const pid of bundle.residents()) process.kill(pid, "SIGKILL");
  writeFileSync(join(bundle.path, "rootfs/go"), "");
  assert.deepEqual(await exit, [5, null]);
  assert.match(bundle.run(["state", bundle.id]).stdout, /"status": "stopped"/);
});

test("the program has the caller's descriptors that it is to have, and no other", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sh", "-c", "cat <&3; ls /proc/self/fd | wc -l"] });
  await cp("/etc/hostname", join(bundle.path, "kept"));
  const { stdout } = bundle.run(["run", "--preserve-fds", "1", bundle.id], {
    under: ["sh", "-c", 'exec "$@" 3<kept 4<kept 9<kept', "sh"],
  });
  // 0, 1, 2, 3 and that of ls itself
  assert.equal(stdout, `${readFileSync("/etc/hostname", "utf8")}5\n`);
});

test("a terminal in the foreground is joined to the command's own", { skip }, async () => {
  await using bundle = await makeBundle({
    args: ["sh", "-c", "tty; stty size; exit 4"],
    change: (config) => {
      config.process = { ...config.process, terminal: true };
    },
  });
  const result = bundle.run(["run", bundle.id], {
    under: ["sh", "-c", 'script -qec "stty rows 31 cols 97; $*" /dev/null', "sh"],
  });
  assert.equal(result.code, 4);
  assert.match(result.stdout, /\/dev\/pts\/0\r\n31 97\r\n$/);
});

test("a console socket gets the terminal", { skip }, async () => {
  await using bundle = await makeBundle({
    args: ["sh", "-c", "tty; sleep 0.2"],
    change: (config) => {
      config.process = { ...config.process, terminal: true };
    },
  });
  const receive = [
    "import socket, subprocess, sys, os",
    "s = socket.socket(socket.AF_UNIX); s.bind('console.sock'); s.listen(1)",
    "p = subprocess.Popen(sys.argv[1:])",
    "c, _ = s.accept(); name, fds, _, _ = socket.recv_fds(c, 4096, 1)",
    "os.set_blocking(fds[0], True)",
    "p.wait(); text = os.read(fds[0], 100).decode().strip()",
    "print(name.decode(), text, p.returncode, os.get_blocking(fds[0]))",
  ].join("\n");
  const { stdout, stderr } = bundle.run(["run", "--detach", "--console-socket", "console.sock", bundle.id], {
    under: ["python3", "-c", receive],
  });
  assert.deepEqual([stdout, stderr], ["/dev/ptmx /dev/pts/0 0 True\n", ""]);
});

test("signals of the command go to the program", { skip }, async () => {
  await using bundle = await makeBundle({
    args: ["sh", "-c", "trap 'exit 9' USR1; while :; do sleep 0.05; done"],
  });
  const command = startCommand(bundle, ["run", bundle.id]);
  const exit = once(command, "exit");
  await ended(() => bundle.run(["state", bundle.id]).stdout.includes('"running"'));
  await delay(200); // the trap
  command.kill("SIGUSR1");
  assert.deepEqual(await exit, [9, null]);
  assert.deepEqual(bundle.remains(), []);
});

// Sockets of the caller's that the runtime speaks to: of --pidfd-socket and of NOTIFY_SOCKET.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Bundle, makeBundle } from "./runc-bundle.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** Prints the name that comes with the descriptor, and whose it is. */
const receivePidfd = `import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
p = subprocess.Popen(sys.argv[2:], stdin=-3, stdout=-3, stderr=-3)
name, fds, _, _ = socket.recv_fds(s.accept()[0], 4096, 1)
pid = [line for line in open(f"/proc/self/fdinfo/{fds[0]}") if line.startswith("Pid:")][0]
p.wait(); print(name.decode(), pid.split()[1], p.returncode)`;

const pidfdOf = (bundle: Bundle, verb: string, ...words: readonly string[]): string =>
  bundle.run([verb, "--pidfd-socket", `${verb}.sock`, "--pid-file", `${verb}.pid`, ...words], {
    under: ["python3", "-c", receivePidfd, `${verb}.sock`],
  }).stdout;

test("create and exec send a pidfd of their process", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sleep", "1000"] });
  const pidOf = (verb: string): string => readFileSync(join(bundle.path, `${verb}.pid`), "utf8");
  const created = pidfdOf(bundle, "create", bundle.id);
  assert.equal(created, `standard ${pidOf("create")} 0\n`);
  assert.equal(bundle.run(["start", bundle.id]).code, 0);
  const executed = pidfdOf(bundle, "exec", "--detach", bundle.id, "sleep", "1000");
  assert.equal(executed, `setns ${pidOf("exec")} 0\n`);
});

test("a pidfd socket that nobody listens on fails the command, and leaves nothing", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  const { code, stderr } = bundle.run(["run", "--pidfd-socket", "nobody.sock", bundle.id]);
  assert.equal(code, 1);
  assert.match(stderr, /pidfd socket .*nobody.sock: connect.*: ENOENT/);
  assert.deepEqual(bundle.remains(), []);
});

/** A service manager: prints what it is told until the command has ended, and closes what comes along. */
const manage = `import os, select, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
p = subprocess.Popen(sys.argv[2:], env={**os.environ, "NOTIFY_SOCKET": sys.argv[1]}, stdin=-3, stdout=-3, stderr=-3)
while True:
  ended = p.poll() is not None
  if select.select([s], [], [], 0.02)[0]:
    text, fds, _, _ = socket.recv_fds(s, 4096, 1)
    print(text.decode().strip(), flush=True)
    [os.close(fd) for fd in fds]
  elif ended: break
print(p.returncode)`;

const sayReady = `import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"STATUS=starting\\n"); s.send(b"STATUS=done\\nREADY=1\\nX=y")`;

/** What a program inside says with the machine's Python. */
const speaking = (after: string) => ({
  args: ["/usr/bin/python3", "-c", `${sayReady.replaceAll("\\\\", "\\")}\n${after}`],
  change: (config: { mounts: unknown[] }) => {
    const bind = (path: string) => ({ destination: path, source: path, options: ["rbind", "ro"] });
    config.mounts = [...config.mounts, ...["/usr", "/lib", "/lib64"].map(bind)];
  },
});

const managed = (bundle: Bundle, words: readonly string[], socket = join(bundle.path, "manager.sock")) =>
  bundle.run(words, { under: ["python3", "-c", manage, socket] });

test("a container says that it is ready, and its process is named to the manager", { skip }, async () => {
  await using bundle = await makeBundle(speaking("import time; time.sleep(1000)"));
  const words = ["run", "--detach", "--pid-file", "pid", bundle.id];
  const { stdout, stderr } = managed(bundle, words);
  const pid = readFileSync(join(bundle.path, "pid"), "utf8");
  assert.equal(stdout, `READY=1\nMAINPID=${pid}\nBARRIER=1\n0\n`, stderr);
});

test("create and start do it in two steps, by an abstract name, too", { skip }, async () => {
  await using bundle = await makeBundle(speaking("import time; time.sleep(1000)"));
  const name = `@${bundle.id}`;
  const script = '"$@" create --pid-file pid ID && "$@" start ID'.replaceAll("ID", bundle.id);
  const python = manage.replace("bind(sys.argv[1])", "bind(chr(0) + sys.argv[1][1:])");
  const { stdout, stderr } = bundle.run([], {
    under: ["python3", "-c", python, name, "sh", "-c", script, "sh"],
  });
  const pid = readFileSync(join(bundle.path, "pid"), "utf8");
  assert.equal(stdout, `READY=1\nMAINPID=${pid}\nBARRIER=1\n0\n`, stderr);
});

test("in the foreground the command stays the manager's process", { skip }, async () => {
  await using bundle = await makeBundle(speaking("import time; time.sleep(0.2); sys.exit(3)"));
  const { stdout } = managed(bundle, ["run", bundle.id]);
  assert.equal(stdout, "READY=1\n3\n");
  assert.deepEqual(bundle.remains(), []);
});

test("a container that ends without a word is not waited for", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  assert.equal(managed(bundle, ["run", "--detach", bundle.id]).stdout, "0\n");
});

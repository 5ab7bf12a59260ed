// An image's root filesystem made of this machine's own busybox: one static program and a link for each of its applets.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { pack } from "tar-stream";
import { codeOf } from "#client/api-error.ts";
import { ExitError } from "../../grammar/errors.ts";

const run = promisify(execFile);

const CANDIDATES = ["/bin/busybox", "/usr/bin/busybox", "/sbin/busybox", "/usr/local/bin/busybox"];
const PACKAGE = "busybox-static";
const PT_INTERP = 3;

/** No program header of an ELF file asks for a loader: it runs where no library is. */
function isStatic(program: Buffer): boolean {
  if (program.length < 64 || program.toString("latin1", 0, 4) !== "\x7fELF" || program[4] !== 2) return false;
  const start = Number(program.readBigUInt64LE(32));
  const size = program.readUInt16LE(54);
  const count = program.readUInt16LE(56);
  const kinds = Array.from({ length: count }, (_, at) => program.readUInt32LE(start + at * size));
  return !kinds.includes(PT_INTERP);
}

async function findBusybox(): Promise<string | undefined> {
  for (const path of CANDIDATES) {
    try {
      if (isStatic(await readFile(path))) return path;
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
  return undefined;
}

/** The machine's static busybox. Installs it if `install`; else the error names the command that does. */
export async function needBusybox(install: boolean, signal: AbortSignal): Promise<string> {
  const found = await findBusybox();
  if (found !== undefined) return found;
  if (install) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-qq"], { env, signal });
    await run("apt-get", ["install", "-y", PACKAGE], { env, signal });
  }
  const installed = install ? await findBusybox() : undefined;
  if (installed !== undefined) return installed;
  throw new ExitError(
    1,
    `gantry demo needs a static busybox and there is none; install it with: apt-get install ${PACKAGE} (or run gantry demo --yes)`,
  );
}

const PAGE = `<!doctype html>
<title>Gantry</title>
<h1>Hello from a container</h1>
`;

const FOLDERS = ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "www"];

/** A tar archive of the root filesystem. */
export async function packBusybox(path: string): Promise<AsyncIterable<Uint8Array>> {
  const program = await readFile(path);
  const { stdout } = await run(path, ["--list"]);
  const applets = stdout.split("\n").filter((name) => name !== "" && name !== "busybox");
  const archive = pack();
  for (const name of FOLDERS)
    archive.entry({ name, type: "directory", mode: name === "tmp" ? 0o1777 : 0o755 });
  archive.entry({ name: "bin/busybox", mode: 0o755 }, program);
  for (const name of applets) archive.entry({ name: `bin/${name}`, type: "symlink", linkname: "busybox" });
  archive.entry({ name: "etc/passwd" }, "root:x:0:0:root:/root:/bin/sh\n");
  archive.entry({ name: "etc/group" }, "root:x:0:\n");
  archive.entry({ name: "www/index.html" }, PAGE);
  archive.finalize();
  return Readable.from(archive);
}

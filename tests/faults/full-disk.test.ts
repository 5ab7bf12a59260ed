// A disk that is full: what cannot be done says why, what was acknowledged stays, what is in the way can be removed.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must } from "../system/process.ts";
import { leftovers } from "./leftovers.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let disk: string;
let engine: Engine;
before(async () => {
  if (skip) return;
  disk = mkdtempSync(join(tmpdir(), "gantry-full-"));
  await must(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk]);
  engine = await startEngine({ config: { "data-root": join(disk, "root") } });
  await importBusybox(engine);
});
after(async () => {
  if (skip) return;
  await engine?.[Symbol.asyncDispose]();
  await must(["umount", disk]);
  rmSync(disk, { recursive: true });
});

const filler = (): string => join(disk, "filler");

/** Not a byte is left. */
async function fill(): Promise<void> {
  const file = await open(filler(), "a");
  for (let size = 1 << 20; size >= 1; size >>= 1)
    for (;;) {
      const written = await file.write(Buffer.alloc(size)).catch(() => ({ bytesWritten: 0 }));
      if (written.bytesWritten < size) break;
    }
  await file.close();
}

test("on a full disk errors are clear, nothing acknowledged is lost, and removal works", {
  skip,
}, async (t) => {
  const docker: Engine["docker"] = (...args) => engine.docker(...args);
  const fails = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await engine.tryDocker(args);
    assert.notEqual(code, 0, args.join(" "));
    assert.match(stderr, /no space left on device|disk is full/i, args.join(" "));
  };
  await docker(
    "run",
    "-d",
    "--name",
    "keeper",
    "--stop-signal",
    "KILL",
    "-v",
    "kept:/kept",
    "busybox",
    "sleep",
    "999",
  );
  await docker("exec", "keeper", "sh", "-c", "echo precious >/kept/file; sync");
  await docker("create", "--name", "spare", "busybox", "true");
  await docker("commit", "keeper", "saved:1");
  const image = await docker("inspect", "-f", "{{.Id}}", "saved:1");

  await t.test("what needs room says that there is none", async () => {
    await fill();
    await fails(
      "run",
      "--name",
      "writer",
      "busybox",
      "sh",
      "-c",
      "dd if=/dev/zero of=/big bs=1M count=9; exit 3",
    );
    const dir = mkdtempSync(join(tmpdir(), "gantry-big-"));
    try {
      await writeFile(join(dir, "file"), Buffer.alloc(40 << 20));
      await fails("cp", join(dir, "file"), "keeper:/file");
      await must(["tar", "-C", dir, "-cf", join(dir, "image.tar"), "file"]);
      await fails("import", join(dir, "image.tar"), "toobig:1");
      await fails("load", "-i", join(dir, "image.tar"));
    } finally {
      rmSync(dir, { recursive: true });
    }
    assert.equal(await docker("images", "-q", "toobig"), "");
  });

  await t.test("what needs none goes on", async () => {
    assert.equal(await docker("exec", "keeper", "cat", "/kept/file"), "precious");
    assert.match(await docker("ps", "-a", "--format", "{{.Names}}"), /keeper/);
    assert.match(await docker("system", "df"), /Images/);
  });

  await t.test(
    "a daemon that is killed then finds all that was acknowledged, on the disk that is still full",
    async () => {
      await engine.kill();
      await engine.restart();
      assert.equal(await docker("inspect", "-f", "{{.State.Status}}", "keeper", "spare"), "running\ncreated");
      assert.equal(await docker("exec", "keeper", "cat", "/kept/file"), "precious");
      assert.equal(await docker("inspect", "-f", "{{.Id}}", "saved:1"), image);
    },
  );

  await t.test("containers are stopped and removed, and what they took is free", async () => {
    assert.equal(await docker("stop", "keeper"), "keeper");
    assert.equal(
      await docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "keeper"),
      "exited 137",
    );
    for (const name of ["spare", "writer"]) await engine.tryDocker(["rm", "-f", name]);
    assert.equal(await docker("ps", "-aq", "--filter", "name=spare"), "");
    const removed = await docker("rmi", "saved:1");
    assert.ok(removed.startsWith(`Untagged: saved:1\nDeleted: ${image}\n`), removed);
  });

  await t.test("with room again everything works, and no database is damaged", async () => {
    await rm(filler());
    assert.equal(await docker("run", "--rm", "-v", "kept:/kept", "busybox", "cat", "/kept/file"), "precious");
    await docker("start", "keeper");
    await docker("rm", "-f", "keeper");
    assert.equal(await docker("ps", "-aq"), "");
    assert.deepEqual(await leftovers(engine), []);
    await engine.stop();
    const root = join(disk, "root");
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".db")) continue;
      using database = new DatabaseSync(join(root, name), { readOnly: true });
      assert.deepEqual(
        { ...database.prepare("PRAGMA integrity_check").get() },
        { integrity_check: "ok" },
        name,
      );
    }
  });
});

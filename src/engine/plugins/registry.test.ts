import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PluginRegistry } from "./registry.ts";

const directory = mkdtempSync(join(tmpdir(), "plugins-"));
after(() => rmSync(directory, { recursive: true }));
const folders = { sockets: join(directory, "run"), specs: [join(directory, "etc")] };
for (const path of [folders.sockets, ...folders.specs]) mkdirSync(path);

/** Answers the handshake with that; undefined: never. */
async function serve(name: string, answer: unknown): Promise<AsyncDisposable & { readonly asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (answer !== undefined) response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(join(folders.sockets, `${name}.sock`), resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { asked, [Symbol.asyncDispose]: close };
}

const { signal } = new AbortController();
const open = () => new PluginRegistry({ folders, retryMs: 0 });

test("a plugin is activated once, however many ask for it", async () => {
  await using plugin = await serve("once", { Implements: ["VolumeDriver", "NetworkDriver"] });
  const registry = open();
  await Promise.all([
    registry.get("once", "VolumeDriver", signal),
    registry.get("once", "NetworkDriver", signal),
  ]);
  assert.deepEqual(plugin.asked, ["/Plugin.Activate"]);
});

test("one that speaks something else, and one that is not there, are refused in Docker's words", async () => {
  await using _plugin = await serve("other", { Implements: ["authz"] });
  const registry = open();
  await assert.rejects(registry.get("other", "VolumeDriver", signal), {
    message: "legacy plugin: plugin does not implement the requested driver",
  });
  await assert.rejects(registry.get("nosuch", "VolumeDriver", signal), {
    kind: "notFound",
    message: 'plugin "nosuch" not found',
  });
  await assert.rejects(registry.get("../x", "VolumeDriver", signal), { kind: "invalid" });
});

test("one that hangs, one that says nonsense and one that nobody listens for do not hide the others", async () => {
  await using _good = await serve("good", { Implements: ["VolumeDriver"] });
  await using _silent = await serve("silent", undefined);
  await using _odd = await serve("odd", { Implements: "VolumeDriver" });
  writeFileSync(join(folders.specs[0] ?? "", "dead.spec"), `unix://${directory}/nobody.sock\n`);
  const patience = new AbortController();
  const registry = open();
  const speaking = registry.speaking("VolumeDriver", patience.signal);
  await registry.get("good", "VolumeDriver", signal);
  patience.abort(new Error("that was long enough"));
  assert.deepEqual(await speaking, ["good"]);
  assert.deepEqual(await registry.speaking("VolumeDriver", signal), ["good"]); // nobody waits for the silent one again
});

test("one that could not be activated is tried anew when it is asked for again", async () => {
  const registry = open();
  await assert.rejects(registry.get("late", "VolumeDriver", signal), { kind: "notFound" });
  await using _plugin = await serve("late", { Implements: ["VolumeDriver"] });
  await registry.get("late", "VolumeDriver", signal);
});

// Who may do what over the API: authorization plugins and sockets of limited scope, with the real client and real containers.

import assert from "node:assert/strict";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type Client, type Engine, gantrydPath, makeClient, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { run } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** Where dockerd looks for plugins, too: the name is this test's own. */
const plugins = "/run/docker/plugins";
const plugin = `gantry-test-${process.pid}`;

/** Denies what is privileged, and tells what it was asked. */
function startPlugin(asked: string[]): Promise<Server & AsyncDisposable> {
  mkdirSync(plugins, { recursive: true });
  const path = join(plugins, `${plugin}.sock`);
  const server = createServer((request, answer) => {
    void text(request).then((body) => {
      if (request.url === "/Plugin.Activate") return answer.end('{"Implements":["authz"]}');
      const { RequestMethod, RequestUri, RequestBody = "" } = JSON.parse(body);
      const shown = Buffer.from(RequestBody, "base64").toString();
      asked.push(`${request.url} ${RequestMethod} ${RequestUri}`);
      return answer.end(JSON.stringify({ Allow: !/"Privileged": *true/.test(shown), Msg: "no privileges" }));
    });
  });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(path, { force: true });
  };
  return new Promise((resolve) => {
    server.listen(path, () => resolve(Object.assign(server, { [Symbol.asyncDispose]: close })));
  });
}

test("a plugin decides over the real client's requests, whatever their size", { skip }, async () => {
  const asked: string[] = [];
  await using _plugin = await startPlugin(asked);
  await using engine = await startEngine({ config: { "authorization-plugins": [plugin] } });
  await importBusybox(engine);
  assert.equal(await engine.docker("run", "--rm", "busybox", "echo", "allowed"), "allowed");
  const denied = await engine.tryDocker(["run", "--rm", "--privileged", "busybox", "true"]);
  assert.match(denied.stderr, new RegExp(`authorization denied by plugin ${plugin}: no privileges`));
  const padding = "x".repeat(1024);
  const file = join(engine.dir, "large.env");
  writeFileSync(file, Array.from({ length: 2000 }, (_, index) => `V${index}=${padding}`).join("\n"));
  const large = await engine.tryDocker(["create", "--privileged", "--env-file", file, "busybox", "true"]);
  assert.match(large.stderr, /no privileges/);
  assert.equal(await engine.docker("ps", "-aq"), "");
  assert.ok(asked.some((line) => /^\/AuthZPlugin\.AuthZRes POST .*\/containers\/create/.test(line)));
});

test("without its plugin the daemon does not start, and serves nothing when the plugin ends", {
  skip,
}, async () => {
  await using engine = await startEngine();
  const flags = [
    "--config-file",
    "/dev/null",
    "--data-root",
    `${engine.dir}/r2`,
    "--exec-root",
    `${engine.dir}/e2`,
  ];
  const command = [gantrydPath, ...flags, "--bridge", "none", "--authorization-plugin", plugin];
  const { code, stderr } = await run(command, { netns: engine.netns });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`plugin "${plugin}" not found`));
  await using guarded = await (async () => {
    await using _plugin = await startPlugin([]);
    return await startEngine({ config: { "authorization-plugins": [plugin] } });
  })();
  assert.match((await guarded.tryDocker(["ps"])).stderr, new RegExp(`plugin ${plugin} failed with error`));
});

const sockets = join("/run", `gantry-test-${process.pid}`);
let engine: Engine;
let reader: Client;
let web: Client;
before(async () => {
  if (skip) return;
  mkdirSync(sockets, { recursive: true });
  engine = await startEngine({
    config: {
      "scoped-hosts": [
        `host=unix://${sockets}/read.sock,scope=read-only,group=daemon`,
        `host=unix://${sockets}/web.sock,scope=label,label=team=web`,
      ],
    },
  });
  reader = makeClient(`unix://${sockets}/read.sock`, engine.netns);
  web = makeClient(`unix://${sockets}/web.sock`, engine.netns);
  await engine.daemon.line(/completed initialization/);
  await importBusybox(engine);
  await engine.docker("run", "-d", "--name", "site", "--label", "team=web", "busybox", "sleep", "600");
  await engine.docker("run", "-d", "--name", "db", "--label", "team=db", "busybox", "sleep", "600");
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  rmSync(sockets, { recursive: true, force: true });
});

test("a reader sees everything and changes nothing", { skip }, async () => {
  assert.equal(await reader.docker("ps", "--format", "{{.Names}}"), "db\nsite");
  assert.equal(await reader.docker("inspect", "-f", "{{.State.Status}}", "db"), "running");
  await reader.docker("logs", "db");
  await reader.docker("info");
  await reader.docker("system", "df");
  for (const words of [
    ["rm", "-f", "db"],
    ["stop", "db"],
    ["run", "--rm", "busybox", "true"],
    ["exec", "db", "true"],
    ["attach", "--no-stdin", "db"],
    ["cp", "db:/etc/passwd", "-"],
    ["export", "db"],
    ["volume", "create", "x"],
    ["system", "prune", "-f"],
    ["pull", "busybox"],
  ]) {
    const { code, stderr } = await reader.tryDocker(words);
    assert.notEqual(code, 0, words.join(" "));
    assert.match(stderr, /this socket is read-only|received 403/, words.join(" "));
  }
});

test("a label's owner has its containers, and does not hear of others", { skip }, async () => {
  assert.equal(await web.docker("ps", "-a", "--format", "{{.Names}}"), "site");
  assert.equal(await web.docker("exec", "site", "echo", "inside"), "inside");
  await web.docker("restart", "-t", "0", "site");
  const text = await web.docker(
    "events",
    "--since",
    "1",
    "--until",
    String(Date.now() / 1000),
    "--format",
    "{{.Type}} {{.Actor.Attributes.team}}",
  );
  assert.deepEqual([...new Set(text.split("\n"))], ["container web"]);
  const id = await engine.docker("inspect", "-f", "{{.Id}}", "db");
  for (const name of ["db", id, id.slice(0, 4)])
    for (const words of [
      ["logs", name],
      ["exec", name, "true"],
      ["kill", name],
      ["cp", `${name}:/etc/passwd`, "-"],
    ])
      assert.match((await web.tryDocker(words)).stderr, /No such container/, words.join(" "));
  for (const words of [
    ["run", "--rm", "--label", "team=web", "-v", "/:/host", "busybox", "true"],
    ["exec", "--privileged", "site", "true"],
    ["update", "-m", "1g", "site"],
    ["commit", "site", "stolen"],
    ["images"],
    ["info"],
  ])
    assert.match((await web.tryDocker(words)).stderr, /this socket (is for|does not allow)/, words.join(" "));
  await web.docker("container", "prune", "-f");
  assert.equal((await engine.docker("ps", "-q")).split("\n").length, 2);
});

test("a scope's sockets are those of their group", { skip }, async () => {
  assert.deepEqual([statSync(reader.socket).gid, statSync(reader.socket).mode & 0o777], [1, 0o660]);
});

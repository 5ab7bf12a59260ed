// nginx, PostgreSQL and Redis of Debian, each in an image of its own: they serve real clients through published ports and by their
// names on a user network, and their data is in volumes that outlive the containers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox, importNginx, importPostgres, importRedis, psql } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await Promise.all([
    importBusybox(engine),
    importNginx(engine, "nginx"),
    importPostgres(engine, "postgres"),
    importRedis(engine, "redis"),
  ]);
  await engine.docker("network", "create", "shop");
});
after(() => engine?.[Symbol.asyncDispose]());

/** The port of the host where a container's port is published. */
const published = async (container: string, port: number): Promise<string> =>
  (await engine.docker("port", container, String(port))).split("\n")[0]?.split(":")[1] ?? "";

const outside = (...command: readonly string[]): Promise<string> => must(command, { netns: engine.netns });

/** Runs in a new container on the network. */
const inside = (image: string, ...command: readonly string[]): Promise<string> =>
  engine.docker("run", "--rm", "--network", "shop", image, ...command);

const replace = async (name: string): Promise<void> => {
  await engine.docker("rm", "-f", name);
};

async function startPostgres(): Promise<string> {
  const volume = ["-v", "tables:/var/lib/postgresql"];
  await engine.docker("run", "-d", "--name", "db", "--network", "shop", ...volume, "-p", "5432", "postgres");
  const port = await published("db", 5432);
  const ask = [psql(), "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-c", "select 1"];
  await until(async () => (await run(ask, { netns: engine.netns })).code === 0);
  return port;
}

async function startRedis(): Promise<string> {
  const command = ["--name", "cache", "--network", "shop", "-v", "keys:/data", "-p", "6379", "redis"];
  await engine.docker("run", "-d", ...command);
  const port = await published("cache", 6379);
  const ping = ["/usr/bin/redis-cli", "-p", port, "ping"];
  await until(async () => (await run(ping, { netns: engine.netns })).stdout === "PONG\n");
  return port;
}

test("PostgreSQL serves through its port and by its name, and its tables outlive the container", {
  skip,
}, async () => {
  const port = await startPostgres();
  const query = (sql: string): readonly string[] => ["-U", "postgres", "-Atc", sql];
  await outside(psql(), "-h", "127.0.0.1", "-p", port, ...query("create table tea (name text)"));
  await inside("postgres", psql(), "-h", "db", ...query("insert into tea values ('oolong'), ('sencha')"));
  assert.equal(
    await outside(psql(), "-h", "127.0.0.1", "-p", port, ...query("select name from tea order by 1")),
    "oolong\nsencha\n",
  );
  await replace("db");
  await startPostgres();
  assert.equal(await inside("postgres", psql(), "-h", "db", ...query("select count(*) from tea")), "2");
});

test("Redis serves through its port and by its name, and its keys outlive the container", {
  skip,
}, async () => {
  const port = await startRedis();
  assert.equal(await outside("/usr/bin/redis-cli", "-p", port, "set", "leaf", "green"), "OK\n");
  assert.equal(await inside("redis", "/usr/bin/redis-cli", "-h", "cache", "get", "leaf"), "green");
  await replace("cache");
  await startRedis();
  assert.equal(await inside("redis", "/usr/bin/redis-cli", "-h", "cache", "get", "leaf"), "green");
});

test("nginx serves pages of a volume through its port, by its name and by its alias", { skip }, async () => {
  const volume = ["-v", "pages:/usr/share/nginx/html"];
  const start = async (): Promise<string> => {
    const where = ["--network", "shop", "--network-alias", "www", "-p", "80"];
    await engine.docker("run", "-d", "--name", "web", ...where, ...volume, "nginx");
    return await published("web", 80);
  };
  const port = await start();
  assert.match(await outside("/usr/bin/curl", "-s", `http://127.0.0.1:${port}/`), /Welcome to nginx/);
  await engine.docker("run", "--rm", "-v", "pages:/p", "busybox", "sh", "-c", "echo new >/p/index.html");
  assert.equal(await inside("busybox", "wget", "-qO-", "http://web/"), "new");
  await replace("web");
  await start();
  assert.equal(await inside("busybox", "wget", "-qO-", "http://www/"), "new");
});

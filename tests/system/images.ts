// Images for tests, made on this machine: nothing is fetched.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { appendFile, chmod, chown, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openApi } from "./api.ts";
import type { Client } from "./engine.ts";
import { must } from "./process.ts";

/** A root file system of Debian's static busybox, with a link for each applet. */
export async function makeBusyboxRoot(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "gantry-busybox-"));
  for (const folder of ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "var/www"]) {
    await mkdir(join(path, folder), { recursive: true });
  }
  await cp("/bin/busybox", join(path, "bin/busybox"));
  const applets = (await must(["/bin/busybox", "--list"])).split("\n");
  for (const applet of applets) {
    if (applet !== "" && applet !== "busybox") await symlink("busybox", join(path, "bin", applet));
  }
  await chmod(join(path, "tmp"), 0o1777);
  await writeFile(
    join(path, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/var/www:/bin/false\n",
  );
  await writeFile(join(path, "etc/group"), "root:x:0:\nwheel:x:10:root\nwww:x:33:\n");
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Imports a root file system as an image, through the API of any Docker daemon. */
export async function importImage(
  client: Client,
  root: string,
  reference: string,
  changes: readonly string[],
) {
  const archive = `${root}.tar`;
  try {
    await must(["tar", "-C", root, "-cf", archive, "."]);
    const flags = changes.flatMap((change) => ["--change", change]);
    await client.docker("import", ...flags, archive, reference);
  } finally {
    await rm(archive, { force: true });
  }
}

/** busybox:latest in the daemon. */
export async function importBusybox(client: Client, reference = "busybox:latest"): Promise<void> {
  await using root = await makeBusyboxRoot();
  await importImage(client, root.path, reference, ['CMD ["sh"]']);
}

/** An image of one static program, at its place on this machine, and nothing else. */
export async function importProgram({ socket }: Client, program: string, reference: string): Promise<void> {
  const archive = spawnSync("tar", ["-C", "/", "-hcf", "-", program.slice(1)], { maxBuffer: 2 ** 26 }).stdout;
  using api = openApi(socket);
  const { status, body } = await api.send("POST", `/images/create?fromSrc=-&repo=${reference}`, archive);
  if (status !== 200) throw new Error(`${reference}: ${status} ${body.toString()}`);
}

/** Debian's programs with the libraries that they link, and other files. */
async function addPrograms(
  root: string,
  programs: readonly string[],
  others: readonly string[] = [],
): Promise<void> {
  const linked = await must(["ldd", ...programs]);
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  for (const file of new Set([...programs, ...others, ...libraries])) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await cp(file, join(root, file), { dereference: true, recursive: true });
  }
}

/** A real web server image from Debian's nginx. */
export async function importNginx(client: Client, reference: string): Promise<void> {
  await using root = await makeBusyboxRoot();
  await addPrograms(root.path, ["/usr/sbin/nginx"], ["/etc/nginx/mime.types"]);
  for (const folder of ["var/log/nginx", "var/lib/nginx", "run", "usr/share/nginx/html"]) {
    await mkdir(join(root.path, folder), { recursive: true });
  }
  await writeFile(join(root.path, "usr/share/nginx/html/index.html"), "<h1>Welcome to nginx!</h1>\n");
  await writeFile(
    join(root.path, "etc/nginx/nginx.conf"),
    [
      "user www www; worker_processes 1; daemon off; error_log /dev/stderr;",
      "events { worker_connections 64; }",
      "http { include mime.types; access_log /dev/stdout; server { listen 80; root /usr/share/nginx/html; } }",
    ].join("\n"),
  );
  await importImage(client, root.path, reference, ['CMD ["/usr/sbin/nginx"]', "EXPOSE 80"]);
}

/** Debian's iperf3 as a server. */
export async function importIperf(client: Client, reference: string): Promise<void> {
  await using root = await makeBusyboxRoot();
  await addPrograms(root.path, ["/usr/bin/iperf3"]);
  await importImage(client, root.path, reference, ['CMD ["/usr/bin/iperf3", "-s"]']);
}

/** Debian's Redis. It keeps its data in /data, each write before the answer. */
export async function importRedis(client: Client, reference: string): Promise<void> {
  await using root = await makeBusyboxRoot();
  await addPrograms(root.path, ["/usr/bin/redis-server", "/usr/bin/redis-cli"]);
  await mkdir(join(root.path, "data"));
  const command = ["/usr/bin/redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", "/data"];
  const durable = ["--appendonly", "yes", "--appendfsync", "always"];
  await importImage(client, root.path, reference, [
    `CMD ${JSON.stringify([...command, ...durable])}`,
    "EXPOSE 6379",
    "VOLUME /data",
  ]);
}

const postgresFolder = (): string => {
  const [newest] = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
  if (newest === undefined) throw new Error("Debian's postgresql is not installed");
  return dirname(newest);
};

export const psql = (): string => join(postgresFolder(), "bin/psql");

/** Debian's PostgreSQL, as the user 70, whose home is the data's. Everybody is trusted. */
export async function importPostgres(client: Client, reference: string): Promise<void> {
  const folder = postgresFolder();
  const programs = ["postgres", "initdb", "psql"].map((name) => join(folder, "bin", name));
  const modules = ["dict_snowball.so", "plpgsql.so"].map((name) => join(folder, "lib", name));
  const share = join("/usr/share/postgresql", basename(folder));
  await using root = await makeBusyboxRoot();
  await addPrograms(root.path, programs, [...modules, share]);
  const home = join(root.path, "var/lib/postgresql");
  await mkdir(home, { recursive: true });
  await chown(home, 70, 70);
  await appendFile(join(root.path, "etc/passwd"), "postgres:x:70:70:postgres:/var/lib/postgresql:/bin/sh\n");
  await appendFile(join(root.path, "etc/group"), "postgres:x:70:\n");
  const data = "/var/lib/postgresql/data";
  const script = [
    `[ -s ${data}/PG_VERSION ] || ${folder}/bin/initdb -D ${data} -U postgres -A trust --no-locale >&2 || exit`,
    `grep -q 0.0.0.0 ${data}/pg_hba.conf || echo host all all 0.0.0.0/0 trust >>${data}/pg_hba.conf`,
    `exec ${folder}/bin/postgres -D ${data} -c listen_addresses='*' -c unix_socket_directories=/tmp`,
  ].join("; ");
  await importImage(client, root.path, reference, [
    "USER postgres",
    `CMD ${JSON.stringify(["sh", "-c", script])}`,
    "EXPOSE 5432",
    "STOPSIGNAL SIGINT",
  ]);
}

// Images for tests, made on this machine: nothing is fetched.

import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

/** A real web server image from Debian's nginx: the program with the libraries that it links. */
export async function importNginx(client: Client, reference: string): Promise<void> {
  await using root = await makeBusyboxRoot();
  const linked = await must(["ldd", "/usr/sbin/nginx"]);
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  for (const file of ["/usr/sbin/nginx", "/etc/nginx/mime.types", ...libraries]) {
    await mkdir(join(root.path, dirname(file)), { recursive: true });
    await cp(file, join(root.path, file), { dereference: true });
  }
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

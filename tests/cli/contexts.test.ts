// Contexts as the real client keeps them: the same command lines with both, each with a configuration folder of its own.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gantry, type Outcome } from "./command-line.ts";

const SOCKET = "host=unix:///tmp/x.sock";

const lines: readonly (readonly string[])[] = [
  ["ls"],
  ["show"],
  ["create", "aa", "--description", "mine", "--docker", SOCKET],
  ["create", "aa", "--docker", SOCKET],
  ["create", "default", "--docker", SOCKET],
  ["create", "a", "--docker", SOCKET],
  ["create"],
  ["create", "cc", "--from", "aa"],
  ["create", "dd", "--docker", "from=aa"],
  ["create", "ee", "--docker", "host=tcp://127.0.0.1:2376,ca=/nonexistent"],
  ["create", "ee", "--docker", "host=tcp://127.0.0.1:2376,skip-tls-verify=maybe"],
  ["create", "ff", "--docker", "host=tcp://127.0.0.1:2376,skip-tls-verify=true"],
  ["create", "gg", "--docker", "host=ssh://user@example.org"],
  ["create", "hh", "--from", "aa", "--docker", SOCKET],
  ["create", "hh", "--docker", "pair"],
  ["create", "hh", "--docker", "nosuch=1"],
  ["create", "hh", "--docker", "host=nonsense"],
  ["create", "hh", "--from", "nosuch"],
  ["create", "tls", "--docker", "host=tcp://127.0.0.1:2376,ca=FOLDER/junk.pem"],
  ["ls", "--format", "{{.Name}} {{.DockerEndpoint}} {{.Description}}"],
  ["ls", "-q"],
  ["inspect", "aa"],
  ["inspect", "aa", "nosuch"],
  ["inspect", "-f", "{{.Name}} {{.Endpoints.docker.Host}}", "aa", "cc"],
  ["use", "nosuch"],
  ["use"],
  ["use", "aa"],
  ["ls", "--format", "{{.Name}}{{if .Current}}*{{end}}"],
  ["show"],
  ["inspect"],
  ["rm", "aa"],
  ["rm", "nosuch", "cc", "default"],
  ["update", "aa", "--description", "new", "--docker", "host=unix:///y.sock"],
  ["update", "nosuch"],
  ["update", "default"],
  ["inspect", "aa"],
  ["export", "aa", "FOLDER/aa.tar"],
  ["export", "aa", "FOLDER/aa.tar"],
  ["import", "ii", "FOLDER/aa.tar"],
  ["import", "ii", "FOLDER/aa.tar"],
  ["import", "jj", "/nonexistent"],
  ["import", "default", "FOLDER/aa.tar"],
  ["inspect", "ii"],
  ["rm", "-f", "aa"],
  ["show"],
  ["use", "default"],
  ["show", "more"],
];

const real = (words: readonly string[], folder: string): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, DOCKER_CONFIG: folder };
    execFile("docker", words, { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });

function normalise({ code, stdout, stderr }: Outcome, folder: string): Outcome {
  const common = (text: string): string =>
    text
      .replaceAll(folder, "FOLDER")
      .replaceAll("unix:///run/gantry/docker.sock", "unix:///var/run/docker.sock")
      .replaceAll("gantry", "docker")
      .replace(/ +$/gm, "")
      .replace(/(?<=\S) {3,}/g, "   "); // the default hosts differ in length
  return { code, stdout: common(stdout), stderr: common(stderr) };
}

test("every command of contexts says and stores what the real client does", async (t) => {
  const ours = await mkdtemp(join(tmpdir(), "gantry-contexts-"));
  const theirs = await mkdtemp(join(tmpdir(), "gantry-contexts-"));
  t.after(async () => {
    await rm(ours, { recursive: true });
    await rm(theirs, { recursive: true });
  });
  for (const folder of [ours, theirs]) await writeFile(join(folder, "junk.pem"), "no certificate");
  for (const words of lines) {
    const at = (folder: string): string[] => [
      "context",
      ...words.map((word) => word.replace("FOLDER", folder)),
    ];
    const [mine, expected] = await Promise.all([
      gantry(at(ours), { env: { DOCKER_CONFIG: ours } }),
      real(at(theirs), theirs),
    ]);
    assert.deepEqual(normalise(mine, ours), normalise(expected, theirs), words.join(" "));
  }
});

test("each client reads the contexts that the other has exported, certificates included", async (t) => {
  const ours = await mkdtemp(join(tmpdir(), "gantry-contexts-"));
  const theirs = await mkdtemp(join(tmpdir(), "gantry-contexts-"));
  t.after(async () => {
    await rm(ours, { recursive: true });
    await rm(theirs, { recursive: true });
  });
  const pem = await makeCertificate(ours);
  const options = `host=tcp://127.0.0.1:2376,ca=${pem.cert},cert=${pem.cert},key=${pem.key}`;
  const env = { DOCKER_CONFIG: ours };
  assert.equal((await gantry(["context", "create", "tls", "--docker", options], { env })).code, 0);
  const there = join(ours, "tls.tar");
  assert.equal((await gantry(["context", "export", "tls", there], { env })).code, 0);
  assert.equal((await real(["context", "import", "tls", there], theirs)).code, 0);
  const back = join(theirs, "back.tar");
  assert.equal((await real(["context", "export", "tls", back], theirs)).code, 0);
  assert.equal((await gantry(["context", "import", "again", back], { env })).code, 0);
  const inspect = ["context", "inspect", "-f", "{{json .TLSMaterial}} {{.Endpoints.docker.Host}}"];
  const mine = await gantry([...inspect, "again"], { env });
  assert.equal(mine.stdout, '{"docker":["ca.pem","cert.pem","key.pem"]} tcp://127.0.0.1:2376\n');
  assert.deepEqual((await real([...inspect, "tls"], theirs)).stdout, mine.stdout);
});

test("a context's certificates make the connection, both ways verified", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-contexts-"));
  t.after(() => rm(folder, { recursive: true }));
  const pem = await makeCertificate(folder);
  const [cert, key] = await Promise.all([readFile(pem.cert), readFile(pem.key)]);
  const server = createServer({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: true });
  server.on("request", (request, response) => {
    response.setHeader("Api-Version", "1.41");
    response.end(request.method === "HEAD" ? "" : JSON.stringify({ Volumes: [{ Name: "data" }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const env = { DOCKER_CONFIG: folder };
  const host = `host=tcp://127.0.0.1:${port}`;
  const client = `cert=${pem.cert},key=${pem.key}`;
  await gantry(["context", "create", "both", "--docker", `${host},ca=${pem.cert},${client}`], { env });
  await gantry(["context", "create", "lax", "--docker", `${host},${client},skip-tls-verify=true`], { env });
  await gantry(["context", "create", "strict", "--docker", `${host},${client}`], { env });
  await gantry(["context", "create", "nobody", "--docker", `${host},ca=${pem.cert}`], { env });
  const list = (context: string): Promise<Outcome> => gantry(["-c", context, "volume", "ls", "-q"], { env });
  assert.deepEqual(await list("both"), { code: 0, stdout: "data\n", stderr: "" });
  assert.equal((await list("lax")).stdout, "data\n");
  assert.match((await list("strict")).stderr, /^error during connect: .*certificate/);
  assert.equal((await list("nobody")).code, 1);
});

test("what is not ours in the configuration file stays when the context changes", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-contexts-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "config.json"), '{"auths":{"a":{"auth":"eDp5"}},"unknown":[1]}');
  const env = { DOCKER_CONFIG: folder };
  await gantry(["context", "create", "aa", "--docker", SOCKET], { env });
  await gantry(["context", "use", "aa"], { env });
  assert.deepEqual(JSON.parse(await readFile(join(folder, "config.json"), "utf8")), {
    auths: { a: { auth: "eDp5" } },
    unknown: [1],
    currentContext: "aa",
  });
});

test("an archive with a file that no context has is refused", async () => {
  const { packContext, unpackContext } = await import("#cli/contexts/archive.ts");
  const archive = packContext("aa", { metadata: {}, tls: { "../../../escape": "x" } });
  assert.throws(() => unpackContext(archive), /unexpected context file/);
});

/** A self-signed certificate and its key, made by openssl. */
function makeCertificate(folder: string): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = [join(folder, "c.pem"), join(folder, "k.pem")];
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    "/CN=x",
    "-days",
    "2",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  ];
  return new Promise((resolve, reject) => {
    execFile("openssl", [...request, "-out", cert, "-keyout", key], (error) =>
      error === null ? resolve({ cert, key }) : reject(error),
    );
  });
}

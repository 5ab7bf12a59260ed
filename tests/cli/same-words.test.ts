// The same command lines typed into the real client and into ours, each with a gantryd of its own: what is printed, where, and
// the exit code are the same but for the program's name, ids and times.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import type { Result } from "../system/process.ts";

const OURS = new URL("../../bin/gantry", import.meta.url).pathname;
const skip = process.getuid?.() !== 0 && "needs root";

const normalise = (text: string, { netns, dir }: Engine): string =>
  text
    .replaceAll(netns, "ENGINE")
    .replaceAll(dir, "FOLDER")
    .replaceAll(/\bgantry(?= |:|$)/gm, "docker")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replaceAll(/\b(Up |)(About a|Less than a|\d+(\.\d+)?) ?(seconds?|minutes?)\b/g, "$1TIME")
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+( ?[+-]\d{4} UTC|Z)?/g, "TIME")
    .replaceAll(/"(Pid|StartedAt|FinishedAt|SandboxKey|MacAddress)": ("[^"]*"|\d+)/g, '"$1": X')
    .replaceAll(/\bpid=\d+/g, "pid=N")
    .replaceAll(/(?<=\S) {2,}/g, "  ") // columns are as wide as their times
    .replaceAll(/ +$/gm, "");

const comparable = ({ code, stdout, stderr }: Result, engine: Engine): unknown => ({
  code,
  stdout: normalise(stdout, engine).split("\n"),
  stderr: normalise(stderr, engine).split("\n"),
});

let real: Engine;
let own: Engine;
before(async () => {
  if (skip) return;
  [real, own] = await Promise.all([startEngine(), startEngine()]);
  await Promise.all([importBusybox(real), importBusybox(own)]);
});
after(async () => {
  await real?.[Symbol.asyncDispose]();
  await own?.[Symbol.asyncDispose]();
});

const ALL_STATS = "{{.Name}} {{.MemPerc}} {{len .CPUPerc}}";

const walks: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "the words around commands": [
    ["run", "--nosuch"],
    ["run", "-Z"],
    ["run", "--memory"],
    ["run", "--memory", "x", "busybox"],
    ["run", "--cpus", "x", "busybox"],
    ["run", "--rm=maybe", "busybox"],
    ["run"],
    ["ps", "extra"],
    ["ps", "-n", "x"],
    ["ps", "--filter", "x"],
    ["ps", "--format", "{{.Nothing"],
    ["images", "--format", "{{.Nothing"],
    ["images", "--format", "{{.Nothing}}"],
    ["network", "ls", "--format", "{{.Nothing}}"],
    ["events", "--until", "0s", "--format", "{{.Nothing"],
    ["rm"],
    ["rename", "a"],
    ["container", "-x"],
    ["help", "nosuch"],
    ["stop", "--time", "1", "nosuch"],
    ["-l", "loud", "ps"],
    ["-H", "unix:///nonexistent", "ps"],
    ["-H", "nonsense://x", "ps"],
    ["-H", "tcp://127.0.0.1:1", "version", "--format", "{{.Client.Context}}"],
    ["--context", "nosuch", "ps"],
    ["-c", "x", "-H", "unix:///y", "ps"],
    ["exec"],
    ["exec", "nosuch"],
  ],
  "a container from its creation to its end": [
    [
      "create",
      "--name",
      "life",
      "--label",
      "a=b",
      "-e",
      "X=y",
      "busybox",
      "sh",
      "-c",
      "echo out; echo err >&2; sleep 100",
    ],
    ["create", "--name", "life", "busybox"],
    ["ps", "-a"],
    ["ps", "-a", "--no-trunc", "--format", "table {{.Names}}\t{{.Command}}\t{{.Status}}"],
    [
      "ps",
      "-a",
      "--format",
      '{{.Names}} {{.Image}} {{.Labels}} {{.Label "a"}} {{.State}} {{.Networks}} {{.Mounts}}',
    ],
    ["ps", "-a", "--format", "{{.Nope}}"],
    ["ps", "-a", "--format", "{{"],
    ["ps", "-aq"],
    ["ps", "-as"],
    ["ps", "-l", "--format", "json", "--filter", "name=nothing"],
    ["start", "nosuch"],
    ["start", "life", "nosuch"],
    ["ps"],
    ["ps", "--filter", "status=running", "--filter", "label=a=b", "-q"],
    ["ps", "--filter", "status=wrong"],
    ["top", "life", "-o", "user,args"],
    ["top", "life", "-o", "args"],
    ["top", "life", "-o", "nosuch"],
    ["stats", "--no-stream", "--format", ALL_STATS, "nosuch"],
    ["exec", "life", "sh", "-c", "echo $X; exit 3"],
    ["exec", "-e", "Y=z", "-w", "/tmp", "-u", "33", "life", "sh", "-c", "pwd; id -u; echo $Y"],
    ["exec", "life", "nosuch"],
    ["exec", "nosuch", "true"],
    ["exec", "-d", "life", "true"],
    ["exec", "-w", "/nosuch", "life", "true"],
    ["logs", "life"],
    ["logs", "--tail", "0", "life"],
    ["logs", "--tail", "x", "life"],
    ["logs", "--since", "x", "life"],
    ["logs", "nosuch"],
    ["port", "life"],
    ["port", "life", "80"],
    ["port", "nosuch"],
    ["pause", "life"],
    ["pause", "life"],
    ["ps"],
    ["unpause", "life", "nosuch"],
    ["update"],
    ["update", "life"],
    ["update", "-m", "64m", "life"],
    ["update", "--restart", "no:x", "life"],
    ["update", "--cpus", "0.5", "life", "nosuch"],
    ["inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.Name}}", "life"],
    ["rename", "life", "life2"],
    ["rename", "nosuch", "x"],
    ["kill", "-s", "NOSUCH", "life2"],
    ["kill", "life2"],
    ["kill", "life2"],
    ["wait", "life2"],
    ["wait", "nosuch"],
    ["stop", "life2"],
    ["stop", "-t", "x", "life2"],
    ["start", "-a", "nosuch"],
    ["start", "--checkpoint", "one", "nosuch"],
    ["start", "--checkpoint-dir", "/x", "nosuch"],
    ["checkpoint", "create", "nosuch", "one"],
    ["checkpoint", "ls", "nosuch"],
    ["checkpoint", "list", "nosuch"],
    ["checkpoint", "rm", "nosuch", "one"],
    ["restart", "-t", "0", "life2", "nosuch"],
    ["rm", "life2"],
    ["rm", "-f", "life2", "nosuch"],
    ["rm", "nosuch"],
    ["rm", "-f", "nosuch"],
  ],
  "runs and their exit codes": [
    ["run", "--rm", "busybox", "echo", "hello"],
    ["run", "--rm", "busybox", "sh", "-c", "exit 7"],
    ["run", "--rm", "busybox", "sh", "-c", "kill -9 $$"],
    ["run", "--rm", "busybox", "nosuch"],
    ["run", "--rm", "busybox", "/etc/passwd"],
    ["run", "--rm", "-d", "-a", "stdout", "busybox"],
    ["run", "--rm", "-e", "=x", "busybox"],
    ["run", "--rm", "-p", "x:80", "busybox"],
    ["run", "--rm", "-v", "rel/path:/x", "busybox", "true"],
    ["run", "--rm", "-v", "/a:/b:zz", "busybox", "true"],
    ["run", "--rm", "--network", "nosuch", "busybox", "true"],
    ["run", "--rm", "--mount", "type=nosuch,dst=/a", "busybox", "true"],
    ["run", "--rm", "--env-file", "/nonexistent", "busybox", "true"],
    ["run", "--rm", "--ulimit", "nosuch=1", "busybox", "true"],
    ["run", "--rm", "--restart", "always", "busybox", "true"],
    ["run", "--rm", "--pull", "sometimes", "busybox", "true"],
    ["run", "--rm", "--pull", "never", "nosuch:1", "true"],
    ["run", "--rm", "--platform", "nosuch", "busybox", "true"],
    ["run", "--rm", "--cap-add", "NOSUCH", "busybox", "true"],
    ["run", "--rm", "--pid", "container:nosuch", "busybox", "true"],
    ["run", "--rm", "--user", "nosuch", "busybox", "true"],
    ["run", "--rm", "--health-cmd", "x", "--no-healthcheck", "busybox", "true"],
    ["run", "--rm", "--security-opt", "seccomp=/nonexistent", "busybox", "true"],
    ["run", "--rm", "--stop-signal", "NOSUCH", "busybox", "true"],
    ["run", "--rm", "-w", "rel", "busybox", "true"],
    ["run", "--rm", "Bad/Name", "true"],
    ["run", "--rm", "-t", "--cidfile", "/nonexistent/x", "busybox", "true"],
    ["attach", "nosuch"],
  ],
  images: [
    ["images"],
    ["images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}"],
    ["images", "--format", "json", "nothing"],
    ["images", "--filter", "nosuch=1"],
    ["images", "-q", "--no-trunc"],
    ["images", "--digests"],
    ["images", "--tree", "--quiet"],
    ["images", "--tree", "--digests"],
    ["image", "inspect", "--platform", "nosuch", "busybox"],
    ["image", "inspect", "--platform", "linux/s390x", "busybox"],
    ["image", "inspect", "--platform", "linux/amd64", "-f", "{{.Architecture}}", "busybox"],
    ["history", "--platform", "a/b/c/d", "busybox"],
    ["history", "--platform", "linux/s390x", "busybox"],
    ["save", "--platform", "linux/s390x", "busybox"],
    ["rmi", "--platform", "linux/s390x", "busybox"],
    ["tag", "busybox", "other:1"],
    ["tag", "nosuch", "x"],
    ["tag", "busybox", "Bad/Name"],
    ["history", "busybox", "--format", "{{.ID}} {{.CreatedBy}}"],
    ["history", "nosuch"],
    ["image", "inspect", "nosuch"],
    ["image", "inspect", "-f", "{{json .RepoTags}} {{.Os}}", "busybox"],
    ["rmi", "other:1"],
    ["rmi", "nosuch"],
    ["rmi", "-f", "nosuch"],
    ["save", "nosuch"],
    ["load", "-i", "/nonexistent"],
    ["pull", "Bad/Name"],
    ["pull", "-a", "busybox:1"],
    ["image", "prune", "-f"],
  ],
  "volumes and networks": [
    ["volume", "create", "one"],
    ["volume", "create", "--name", "one", "two"],
    ["volume", "create", "bad/name"],
    ["volume", "ls"],
    ["volume", "ls", "-q"],
    ["volume", "ls", "--filter", "nosuch=1"],
    ["volume", "inspect", "one", "nosuch"],
    ["volume", "inspect", "-f", "{{.Name}} {{.Driver}}", "one"],
    ["volume", "rm", "one", "nosuch"],
    ["volume", "rm", "-f", "nosuch"],
    ["volume", "prune", "-f"],
    ["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"],
    ["network", "inspect", "nosuch"],
    ["network", "inspect", "-f", "{{.Name}} {{(index .IPAM.Config 0).Subnet}}", "bridge"],
    ["network", "rm", "nosuch"],
    ["network", "rm", "bridge"],
    ["network", "connect", "nosuch", "x"],
    ["network", "disconnect", "bridge", "nosuch"],
    ["network", "prune", "-f"],
    ["network", "prune"],
  ],
  templates: [
    ["create", "--name", "tpl", "-p", "80", "-l", "a=1", "-l", "b=2", "busybox", "echo", "hi"],
    ["inspect", "-f", "{{json .Config.Cmd}}", "tpl"],
    ["inspect", "-f", "{{range .Config.Cmd}}<{{.}}>{{else}}none{{end}}", "tpl"],
    ["inspect", "-f", "{{range $i, $e := .Config.Cmd}}{{$i}}={{$e}} {{end}}", "tpl"],
    ["inspect", "-f", "{{range .Mounts}}x{{else}}none{{end}}", "tpl"],
    ["inspect", "-f", '{{join .Config.Cmd ","}} {{title "abc"}} {{upper "abc"}} {{lower "ABC"}}', "tpl"],
    ["inspect", "-f", '{{index .Config.Labels "a"}} {{len .Config.Labels}} {{println "x"}}', "tpl"],
    ["inspect", "-f", "{{with .State}}{{.Status}} {{.ExitCode}}{{end}}", "tpl"],
    ["inspect", "-f", '{{split "a:b" ":"}} {{pad "x" 1 2}}| {{truncate "abcdef" 3}}', "tpl"],
    ["inspect", "-f", '{{if eq .State.Status "created"}}yes{{else}}no{{end}}', "tpl"],
    ["inspect", "-f", '{{printf "%-5s|%q|%d" .State.Status .Name .State.ExitCode}}', "tpl"],
    ["inspect", "-f", "{{.Nope}}", "tpl"],
    ["inspect", "-f", "{{", "tpl"],
    ["inspect", "-f", "{{nosuch}}", "tpl"],
    ["inspect", "--type", "image", "tpl"],
    ["inspect", "--type", "nosuch", "tpl"],
    ["inspect", "tpl", "nosuch"],
    ["container", "inspect", "nosuch"],
    ["ps", "-a", "--format", "table {{.Names}}\t{{.Ports}}"],
    ["ps", "-a", "--format", "{{json .Labels}} {{.Names | upper}} {{slice .ID 0 0}}"],
    ["rm", "tpl"],
  ],
  "the system": [
    ["version", "-f", "{{.Server.Version}} {{.Server.Os}}"],
    ["version", "-f", "{{.Nope}}"],
    ["info", "-f", "{{.Driver}} {{.Containers}} {{.LoggingDriver}} {{json .Plugins.Volume}}"],
    ["info", "-f", "{{.Nope}}"],
    ["info", "-f", "{{"],
    ["version", "-f", "{{"],
    ["system", "df", "-v"],
    ["system", "df", "-v", "--format", "json"],
    ["system", "df", "-v", "--format", "table {{len .Images}}"],
    ["system", "df", "--format", "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}"],
    ["system", "df", "--format", "json"],
    ["system", "df"],
    ["system", "df", "-v", "--format", "{{len .Containers}}"],
    ["events", "--since", "x"],
    [
      "events",
      "--since",
      "1h",
      "--until",
      "0s",
      "--filter",
      "event=tag",
      "--format",
      "{{.Type}} {{.Action}}",
    ],
    ["events", "--since", "1h", "--until", "0s", "--filter", "type=nosuch"],
    ["system", "prune", "--volumes", "--filter", "until=1h", "-f"],
    ["container", "prune", "-f"],
    ["container", "prune", "--filter", "nosuch=1", "-f"],
    ["container", "prune"],
    ["system", "prune", "-f"],
    ["commit", "nosuch"],
    ["diff", "nosuch"],
    ["cp", "nosuch:/x", "/tmp/x"],
    ["cp", "a", "b"],
    ["export", "nosuch"],
  ],
};

for (const [title, steps] of Object.entries(walks))
  test(title, { skip }, async (t) => {
    for (const step of steps)
      await t.test(step.join(" "), async () => {
        // The real client's newest version: ours speaks newer ones, which show less.
        const env = {
          ...{ DOCKER_CONFIG: "/nonexistent", DOCKER_API_VERSION: "1.50" },
          ...{ TZ: "UTC", GANTRY_LINGER: "0" },
        };
        const [their, our] = await Promise.all([
          real.tryDocker(step, { env }),
          own.tryDocker(step, { env, program: OURS }),
        ]);
        assert.deepEqual(comparable(our, own), comparable(their, real));
      });
  });

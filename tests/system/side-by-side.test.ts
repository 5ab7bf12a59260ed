// The same commands with the same real clients against gantryd and a real dockerd: what is printed may differ only in ids,
// times and versions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { startPeer } from "./peer.ts";
import type { Result } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";
/** The newest client, and Debian's own (20.10). */
const clients = ["docker", "/usr/bin/docker"];

let ours: Engine;
let theirs: Client & AsyncDisposable;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startPeer()]);
  await Promise.all([importBusybox(ours), importBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

/** Each step is a command line; `$` splits nothing, words are given as they are. */
const walks: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "run prints what the program prints": [
    ["run", "--rm", "busybox", "echo", "Hello World"],
    ["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7"],
    [
      "run",
      "--rm",
      "-e",
      "A=b",
      "-w",
      "/tmp",
      "-u",
      "33:33",
      "-h",
      "box",
      "busybox",
      "sh",
      "-c",
      "id; pwd; hostname; echo $A $HOME",
    ],
    ["run", "--rm", "busybox", "env"],
    ["run", "--rm", "--entrypoint", "/bin/echo", "busybox", "from", "entrypoint"],
    ["run", "--rm", "--read-only", "busybox", "touch", "/x"],
    ["run", "--rm", "--network", "none", "busybox", "ip", "-o", "link"],
    ["run", "--rm", "busybox", "cat", "/etc/hosts"],
    ["run", "--rm", "busybox", "sh", "-c", "ip -4 -o addr show eth0 | cut -d: -f2-"],
  ],
  "a container looks the same from inside": [
    ["run", "--rm", "busybox", "sh", "-c", "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status"],
    [
      "run",
      "--rm",
      "--cap-add",
      "NET_ADMIN",
      "--cap-drop",
      "CHOWN",
      "busybox",
      "grep",
      "Cap",
      "/proc/self/status",
    ],
    ["run", "--rm", "-u", "33", "busybox", "grep", "Cap", "/proc/self/status"],
    ["run", "--rm", "busybox", "sh", "-c", "ls -l /dev; ls /proc/self/fd"],
    [
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "cut -d' ' -f5,6 /proc/self/mountinfo | grep -vE '^(/sys/fs/cgroup|/sys/firmware|/proc/(acpi|interrupts|keys|timer_list))'",
    ],
    [
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "ls /proc/acpi /proc/scsi /sys/firmware; cat /proc/kcore /proc/keys | wc -c",
    ],
    ["run", "--rm", "busybox", "sh", "-c", "umask; id -G; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"],
    [
      "run",
      "--rm",
      "--tmpfs",
      "/t:size=1m",
      "-v",
      "vol:/v",
      "busybox",
      "sh",
      "-c",
      "grep -E ' /(t|v) ' /proc/mounts | cut -d' ' -f2-4",
    ],
    [
      "run",
      "--rm",
      "-m",
      "64m",
      "--cpus",
      "0.5",
      "--pids-limit",
      "50",
      "busybox",
      "sh",
      "-c",
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max",
    ],
  ],
  "errors are in Docker's words": [
    ["run", "--rm", "busybox", "nosuch"],
    ["run", "--rm", "busybox", "/etc/passwd"],
    ["run", "--rm", "busybox", "/etc"],
    ["run", "--rm", "-w", "relative", "busybox", "true"],
    ["run", "--rm", "-u", "nobody-here", "busybox", "true"],
    ["run", "--rm", "--cap-add", "NOSUCH", "busybox", "true"],
    ["run", "--rm", "--network", "nosuch", "busybox", "true"],
    ["run", "--rm", "-m", "1m", "busybox", "true"],
    ["run", "--rm", "Bad/Name", "true"],
    ["inspect", "nosuch"],
    ["logs", "nosuch"],
    ["start", "nosuch"],
    ["rm", "nosuch"],
    ["rmi", "nosuch"],
    ["exec", "nosuch", "true"],
    ["tag", "nosuch", "x"],
    ["port", "nosuch"],
    ["kill", "nosuch"],
    ["attach", "nosuch"],
    ["volume", "inspect", "nosuch"],
    ["ps", "--filter", "nosuch=1"],
  ],
  "a container's life": [
    [
      "create",
      "--name",
      "life",
      "--label",
      "a=b",
      "busybox",
      "sh",
      "-c",
      "trap 'exit 3' TERM; echo started; while true; do sleep 0.1; done",
    ],
    ["create", "--name", "life", "busybox"],
    ["start", "life"],
    ["exec", "life", "echo", "in", "exec"],
    ["exec", "life", "sh", "-c", "exit 9"],
    ["exec", "life", "nosuch"],
    ["exec", "-e", "X=1", "-w", "/tmp", "-u", "www", "life", "sh", "-c", "id -un; pwd; echo $X"],
    ["ps", "--format", "{{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Labels}} {{.Networks}} {{.Mounts}}"],
    ["rm", "life"],
    ["stop", "life"],
    ["wait", "life"],
    ["kill", "life"],
    ["exec", "life", "true"],
    ["logs", "life"],
    [
      "inspect",
      "-f",
      "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.RestartCount}} {{.Path}} {{.Args}}",
      "life",
    ],
    ["ps", "-a", "--filter", "label=a=b", "--format", "{{.Names}}"],
    ["rm", "life"],
    ["ps", "-aq"],
  ],
  "images and volumes": [
    ["tag", "busybox", "other:v1"],
    ["images", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}}", "other"],
    [
      "inspect",
      "-f",
      "{{.RepoTags}} {{.Config.Cmd}} {{.Os}} {{.Architecture}} {{len .RootFS.Layers}}",
      "other:v1",
    ],
    ["rmi", "other:v1"],
    ["volume", "create", "data"],
    ["run", "--rm", "-v", "data:/d", "busybox", "sh", "-c", "echo kept >/d/f"],
    ["run", "--rm", "-v", "data:/d:ro", "busybox", "sh", "-c", "cat /d/f; touch /d/g"],
    ["volume", "ls"],
    ["volume", "rm", "data", "vol"],
    ["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"],
  ],
  "restart policies and limits": [
    ["run", "-d", "--name", "loop", "--restart", "on-failure:2", "busybox", "false"],
    ["wait", "loop"],
    ["rm", "-f", "loop"],
    ["run", "--name", "oom", "-m", "16m", "busybox", "sh", "-c", "tail /dev/zero"],
    ["inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "oom"],
    ["rm", "oom"],
  ],
};

/** What Docker has reworded since 20.10, the release that we compare with: we print the newer words. */
const reworded: readonly (readonly [newer: RegExp, older: string])[] = [
  [/failed to create task for container: /g, ""],
  [/failed to set up container networking: /g, ""],
  [/daemon: cannot kill/g, "daemon: Cannot kill"],
  [/: container ID is not running/g, ": Container ID is not running"],
  [/invalid filter 'nosuch'/g, "Invalid filter 'nosuch'"],
  [
    /cannot remove container "life": container is running: stop the container before removing or force remove/g,
    "You cannot remove a running container ID. Stop the container before attempting removal or force remove",
  ],
];

const inOlderWords = (text: string): string =>
  reworded.reduce((words, [newer, older]) => words.replaceAll(newer, older), text);

/** The 20.10 client tells it of some failed starts, depending on which of two answers comes first. */
const RACE = /^time=.*error waiting for container: context canceled.*$/gm;

/** Takes out what may differ. */
const normalise = (text: string, netns: string): string =>
  inOlderWords(text.replaceAll(netns, "ENGINE").replaceAll(/\b[0-9a-f]{64}\b/g, "ID"))
    .replaceAll(RACE, "")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replaceAll(/\b\d+(\.\d+)? ?(seconds?|minutes?)\b/g, "TIME")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d/g, "TIME")
    .trim();

const comparable = ({ code, stdout, stderr }: Result, netns: string): unknown => ({
  // A missing command of exec is 127 since 23.0, as it is with run.
  code: code === 127 && `${stdout}${stderr}`.includes("OCI runtime exec failed") ? 126 : code,
  stdout: normalise(stdout, netns).split("\n"),
  stderr: normalise(stderr, netns).split("\n"),
});

for (const program of clients) {
  for (const [title, steps] of Object.entries(walks)) {
    test(`${program}: ${title}`, { skip }, async (t) => {
      for (const step of steps) {
        await t.test(step.join(" "), async () => {
          // One API version for both: Debian's dockerd speaks 1.41.
          const options = { program, env: { DOCKER_API_VERSION: "1.41" } };
          const our = await ours.tryDocker(step, options);
          const their = await theirs.tryDocker(step, options);
          assert.deepEqual(comparable(our, ours.netns), comparable(their, theirs.netns));
        });
      }
    });
  }
}

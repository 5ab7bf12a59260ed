// What may differ in the output of the same command: ids, times, sizes, addresses, and what Docker has reworded since 20.10,
// the release that we compare with (docs/compatibility.md, "Different on purpose").

import type { Result } from "../system/process.ts";

/** We print the newer words. */
const reworded: readonly (readonly [newer: RegExp, older: string])[] = [
  [/failed to create task for container: /g, ""],
  [/failed to set up container networking: /g, ""],
  [/failed to join IPC namespace: /g, "can't join IPC of container ID: "],
  [/daemon: cannot kill/g, "daemon: Cannot kill"],
  [/: container ID is not running/g, ": Container ID is not running"],
  [/container (\w+) is (paused, unpause|already paused|not paused|not running)/g, "Container $1 is $2"],
  [/invalid filter '/g, "Invalid filter '"],
  [/the linux daemon does not/g, "The linux daemon does not"],
  [/invalid restart policy: unknown policy '(\w+)'; use one of .*$/gm, "invalid restart policy '$1'"],
  [
    /invalid restart policy: maximum retry count (can only be used with|cannot be)/g,
    "maximum retry count $1",
  ],
  [/Invalid filter 'exited=x'/g, 'strconv.Atoi: parsing "x": invalid syntax'],
  [/Invalid filter 'health=bad'/g, "Unrecognised filter value for health: bad"],
  [/Invalid filter 'until=bad'/g, 'failed to parse value as time or duration: "bad"'],
  [/(error while looking up for \w+ \w+: ).*$/gm, "$1a number"],
  [/daemon: No such container: (nosuch)$/gm, "daemon: no such container $1"],
  [/no such image: ([\w:./-]+): No such image: /g, "No such image: "],
  [/repository name \(.*?\) must be lowercase/g, "repository name must be lowercase"],
  [/Error processing tar file\([^)]*\): /g, ""],
  [
    /open \/tmp\/ENGINE\/root\/tmp\/docker-import-\d+\/repositories: no such file or directory/g,
    "invalid archive: does not contain a manifest.json",
  ],
  [
    /cannot connect container to host network - .*$|cannot disconnect container from host network - .*$/gm,
    "container cannot be disconnected from host network or connected to host network",
  ],
  [/invalid pool request: Pool overlaps/g, "Pool overlaps"],
  [/(network \S+) has active endpoints \([^)]*\)/g, "$1 id ID has active endpoints"],
  [
    /invalid network config:\ninvalid subnet (\S+): invalid CIDR block notation/g,
    "Invalid subnet $1 : invalid CIDR address: $1",
  ],
  [/invalid config for network \S+: invalid endpoint settings:\n/g, ""],
  [
    /no configured subnet contains IP address (\S+)/g,
    "Invalid address $1: It does not belong to any of this network's subnets",
  ],
  [/profile=builtin/g, "profile=default"],
  [
    /cannot remove container "[^"]+": container is paused and must be unpaused first/g,
    "You cannot remove a paused container ID. Unpause and then stop the container before attempting removal or force remove",
  ],
  [/execDuration=\d+, /g, ""],
  [/invalid isolation \((\w+)\): linux/g, 'Invalid isolation: "$1" - linux'],
  [/unknown or invalid runtime name: /g, "Unknown runtime specified "],
  [/range of CPUs is from/g, "Range of CPUs is from"],
  [/for cpuset (\w+): failed to parse list:/g, "for cpuset $1: invalid format:"],
  // Docker names the policy that was given, we the one that it is for.
  [
    /maximum retry count (can only be used with 'on-failure'|cannot be used with restart policy '.*')/g,
    "maximum retry count",
  ],
  [/parameter: path cannot be empty/g, "parameter: pathcannot be empty"],
  [
    /cannot remove container "[^"]+": container is running: stop the container before removing or force remove/g,
    "You cannot remove a running container ID. Stop the container before attempting removal or force remove",
  ],
];

const ownings: readonly (readonly [RegExp, string])[] = [
  // Random, or by the clock.
  [/\b[0-9a-f]{64}\b/g, "ID"],
  [/\b[0-9a-f]{12}\b/g, "SHORT"],
  [/\b\d+(\.\d+)? ?(seconds?|minutes?)\b|Less than a second/g, "TIME"],
  [/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| \+0000 UTC)/g, "TIME"],
  [/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d/g, "TIME"],
  // By what other walks run meanwhile.
  [/\b172\.17\.0\.([2-9]|\d\d+)\b/g, "ADDRESS"],
  [/\b02:42:ac:11:00:(?!99)\w\w\b/g, "MAC"],
  // The 20.10 client tells it of some failed starts, depending on which of two answers comes first.
  [/^WARNING: This machine does not allow CAP_.*$/gm, ""],
  [/^time=.*error waiting for container: context canceled.*$/gm, ""],
];

function normalise(text: string): string {
  const plain = ownings.reduce(
    (words, [pattern, to]) => words.replaceAll(pattern, to),
    text.replaceAll(/\bgantry-(engine|peer)-\w+/g, "ENGINE"),
  );
  return reworded.reduce((words, [newer, older]) => words.replaceAll(newer, older), plain).trim();
}

/** Columns are as wide as their widest value, which may be one that differs. */
const lines = (text: string): readonly string[] =>
  normalise(text)
    .split("\n")
    .map((line) => line.replaceAll(/ {2,}/g, "  ").trimEnd());

/** `unordered`: dockerd prints the lines in the order of a hash table; images only those that were made in one second. */
export const comparableResult = ({ code, stdout, stderr }: Result, unordered = false): unknown => ({
  // A missing command of exec is 127 since 23.0, as it is with run.
  code: code === 127 && `${stdout}${stderr}`.includes("OCI runtime exec failed") ? 126 : code,
  stdout: unordered ? lines(stdout).toSorted() : lines(stdout),
  stderr: lines(stderr),
});

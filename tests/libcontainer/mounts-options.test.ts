// Every option of a mount, as the kernel then shows it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Linux, Mount } from "#spec/oci-runtime.ts";
import { type ContainerMachine, skip, startContainerMachine } from "./container-machine.ts";
import { look, mountTree, type View } from "./mounted.ts";

let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const folder = (name: string): string => join(machine.folder, name);
const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: "bind",
  source,
  options,
});
/** Where option N of a table is tried. */
const point = (index: number): string => `/m${index}`;

/** Option, and what the mount and the one inside it show; "!" before what they must not. */
type Row = readonly [option: string, outer: string, inner: string];

function assertShown(view: View, rows: readonly Row[]): void {
  for (const [index, [option, ...wanted]] of rows.entries())
    for (const [level, words] of wanted.entries()) {
      const path = level === 0 ? point(index) : `${point(index)}/inner`;
      const { options = [] } = view.at(path) ?? {};
      for (const word of words.split(" ").filter(Boolean))
        assert.equal(
          options.includes(word.replace("!", "")),
          !word.startsWith("!"),
          `${option}: ${path} has ${options} of ${word}`,
        );
    }
}

test("options that set an attribute do so on the mount itself, those with r on the whole tree", {
  skip,
}, async () => {
  using _tree = mountTree(folder("plain"));
  const rows: readonly Row[] = [
    ["ro", "ro", "rw"],
    ["nosuid", "nosuid", "!nosuid"],
    ["nodev", "nodev", "!nodev"],
    ["noexec", "noexec", "!noexec"],
    ["noatime", "noatime", "relatime"],
    ["nodiratime", "nodiratime", "!nodiratime"],
    ["relatime", "relatime", "relatime"],
    ["strictatime", "!relatime !noatime", "relatime"],
    ["nosymfollow", "nosymfollow", "!nosymfollow"],
    ["rro", "ro", "ro"],
    ["rnosuid", "nosuid", "nosuid"],
    ["rnodev", "nodev", "nodev"],
    ["rnoexec", "noexec", "noexec"],
    ["rnoatime", "noatime", "noatime"],
    ["rnodiratime", "nodiratime", "nodiratime"],
    ["rrelatime", "relatime", "relatime"],
    ["rstrictatime", "!relatime !noatime", "!relatime !noatime"],
    ["rnorelatime", "!relatime !noatime", "!relatime !noatime"],
    ["rnosymfollow", "nosymfollow", "nosymfollow"],
    ["defaults", "rw", "rw"],
  ];
  const mounts = rows.map(([option], index) => bind(folder("plain"), point(index), "rbind", option));
  assertShown(await look(machine, { mounts }), rows);
});

test("options that clear an attribute do so, too, and what is not named stays as the source has it", {
  skip,
}, async () => {
  using _tree = mountTree(folder("strict"), "ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow");
  const all = "ro nosuid nodev noexec noatime nodiratime nosymfollow";
  const rows: readonly Row[] = [
    ["rbind", all, all],
    ["rw", "rw nosuid", all],
    ["suid", "!nosuid nodev", all],
    ["dev", "!nodev ro", all],
    ["exec", "!noexec ro", all],
    ["diratime", "!nodiratime ro", all],
    ["symfollow", "!nosymfollow ro", all],
    ["relatime", "relatime !noatime", all],
    ["rrw", "rw nosuid", "rw nosuid"],
    ["rsuid", "!nosuid ro", "!nosuid ro"],
    ["rdev", "!nodev ro", "!nodev ro"],
    ["rexec", "!noexec ro", "!noexec ro"],
    ["rdiratime", "!nodiratime ro", "!nodiratime ro"],
    ["ratime", "relatime !noatime", "relatime !noatime"],
    ["rnostrictatime", "relatime !noatime", "relatime !noatime"],
    ["rsymfollow", "!nosymfollow ro", "!nosymfollow ro"],
  ];
  const mounts = rows.map(([option], index) => bind(folder("strict"), point(index), "rbind", option));
  assertShown(await look(machine, { mounts }), rows);
});

test("atime turns noatime of another option off; the last of two holds", { skip }, async () => {
  using _tree = mountTree(folder("times"));
  const rows: readonly Row[] = [
    ["noatime,atime", "!noatime", ""],
    ["strictatime,nostrictatime", "relatime", ""],
    ["relatime,norelatime", "relatime", ""],
    ["rro,rrw", "rw", "rw"],
    ["rnoatime,rrelatime", "relatime !noatime", "relatime !noatime"],
  ];
  const mounts = rows.map(([options], index) =>
    bind(folder("times"), point(index), "rbind", ...options.split(",")),
  );
  assertShown(await look(machine, { mounts }), rows);
});

test("bind shows one mount, rbind those inside, too", { skip }, async () => {
  using _tree = mountTree(folder("two"));
  const view = await look(machine, {
    mounts: [bind(folder("two"), "/one", "bind"), bind(folder("two"), "/all", "rbind")],
  });
  assert.equal(view.at("/one/inner"), undefined);
  assert.ok(view.at("/all/inner"));
});

test("a new file system gets its own options and those of the mount", { skip }, async () => {
  const tmpfs = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options,
  });
  const view = await look(
    machine,
    {
      mounts: [
        tmpfs("/a", "size=1m,mode=1750", "uid=5", "gid=6", "nosuid", "noexec", "noatime"),
        tmpfs("/b", "ro", "sync", "dirsync", "lazytime", "silent", "iversion"),
        tmpfs("/c", "ro", "mand"),
        tmpfs("/c/d", "size=2m", "rslave", "rnodev"),
        tmpfs("/e", "async", "loud", "nolazytime", "noiversion", "nomand", "rw"),
      ],
    },
    "stat -c '%a %u %g' /a",
  );
  assert.equal(view.stdout, "1750 5 6", view.stderr);
  assert.partialDeepStrictEqual(view.at("/a"), { options: ["rw", "nosuid", "noexec", "noatime"] });
  assert.ok(view.at("/a")?.superOptions.includes("size=1024k"));
  assert.deepEqual(
    ["sync", "dirsync", "lazytime"].filter((option) => view.at("/b")?.superOptions.includes(option)),
    ["sync", "dirsync", "lazytime"],
  );
  assert.equal(view.at("/c")?.options[0], "ro");
  assert.ok(view.at("/c/d")?.options.includes("nodev"));
  assert.ok(view.at("/c/d")?.superOptions.includes("size=2048k"));
  assert.equal(view.at("/e")?.options[0], "rw");
});

test("an option that the file system does not know fails, naming the mount", { skip }, async () => {
  const mounts: readonly Mount[] = [{ destination: "/a", type: "tmpfs", options: ["nonsense=1"] }];
  await assert.rejects(look(machine, { mounts }), /mounts\[\d+\] \/a.*EINVAL/);
});

test("remount changes a bind and a file system that an earlier entry mounted", { skip }, async () => {
  using _tree = mountTree(folder("again"), "nosuid,nodev");
  const view = await look(machine, {
    mounts: [
      bind(folder("again"), "/a", "rbind"),
      bind("", "/a", "bind", "remount", "ro", "noexec"),
      { destination: "/b", type: "tmpfs", source: "tmpfs", options: ["size=1m"] },
      { destination: "/b", type: "tmpfs", source: "tmpfs", options: ["remount", "size=3m", "noexec"] },
    ],
  });
  assert.partialDeepStrictEqual(view.at("/a"), { options: ["ro", "nosuid", "nodev", "noexec", "relatime"] });
  assert.equal(view.at("/a/inner")?.options[0], "rw");
  assert.ok(view.at("/b")?.superOptions.includes("size=3072k"));
  assert.ok(view.at("/b")?.options.includes("noexec"));
});

/** "shared", "master", "unbindable" or nothing. */
const propagationAt = (view: View, path: string): string =>
  (view.at(path)?.propagation ?? ["missing"]).map((field) => field.replace(/:.*/, "")).join(" ");

test("propagation is as its option says; without one, what the machine mounts arrives and nothing goes back", {
  skip,
}, async () => {
  using _tree = mountTree(folder("peers"), "rw", "shared");
  const rows: readonly (readonly [option: string, outer: string, inner: string])[] = [
    ["", "master", "master"],
    ["private", "", "master"],
    ["rprivate", "", ""],
    ["slave", "master", "master"],
    ["rslave", "master", "master"],
    ["shared", "shared master", "master"],
    ["rshared", "shared master", "shared master"],
    ["unbindable", "unbindable", "master"],
    ["runbindable", "unbindable", "unbindable"],
  ];
  const mounts = rows.map(([option], index) =>
    bind(folder("peers"), point(index), "rbind", ...(option === "" ? [] : [option])),
  );
  const view = await look(machine, { mounts });
  for (const [index, [option, outer, inner]] of rows.entries())
    assert.deepEqual(
      [propagationAt(view, point(index)), propagationAt(view, `${point(index)}/inner`)],
      [outer, inner],
      option,
    );
});

test("what a container mounts in a shared bind of a shared root shows on the machine, else not", {
  skip,
}, async () => {
  using _tree = mountTree(folder("both"), "rw", "shared");
  mkdirSync(join(folder("both"), "made"));
  const mounted = (): boolean => existsSync(join(folder("both"), "made/here"));
  const linux = (rootfsPropagation: string): Partial<Linux> => ({ rootfsPropagation });
  const script = "mount -t tmpfs tmpfs /both/made && touch /both/made/here";
  for (const [option, propagation] of [
    ["rshared", "rslave"],
    ["rslave", "rshared"],
    ["rprivate", "shared"],
  ] as const) {
    const mounts = [bind(folder("both"), "/both", "rbind", option)];
    await look(machine, { mounts, linux: linux(propagation) }, script);
    assert.equal(mounted(), false, `${option} in ${propagation}`);
  }
  const mounts = [bind(folder("both"), "/both", "rbind", "rshared")];
  await look(machine, { mounts, linux: linux("rshared") }, script);
  assert.equal(mounted(), true);
  execFileSync("umount", [join(folder("both"), "made")]);
});

test("rootfsPropagation is that of the container's root", { skip }, async () => {
  const wanted = {
    private: "",
    rprivate: "",
    slave: "",
    rslave: "",
    shared: "shared",
    rshared: "shared",
    unbindable: "unbindable",
    runbindable: "unbindable",
  };
  for (const [rootfsPropagation, shown] of Object.entries(wanted)) {
    const view = await look(machine, { linux: { rootfsPropagation } });
    assert.equal(propagationAt(view, "/"), shown, rootfsPropagation);
    if (rootfsPropagation.startsWith("r"))
      assert.equal(propagationAt(view, "/dev"), shown, rootfsPropagation);
  }
  await assert.rejects(look(machine, { linux: { rootfsPropagation: "wide" } }), /rootfsPropagation "wide"/);
});

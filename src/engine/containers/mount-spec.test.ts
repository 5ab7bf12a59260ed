import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBind, parseMount, parseTmpfs, parseVolumesFrom } from "./mount-spec.ts";

const pick = (text: string) => {
  const { type, name, source, destination, mode, writable, propagation, copy, anonymous, createSource } =
    parseBind(text);
  return { type, name, source, destination, mode, writable, propagation, copy, anonymous, createSource };
};

test("a host path is a bind whose missing source is made", () => {
  assert.deepEqual(pick("/a/../b:/x/:ro,rslave"), {
    type: "bind",
    name: "",
    source: "/b",
    destination: "/x",
    mode: "ro,rslave",
    writable: false,
    propagation: "rslave",
    copy: false,
    anonymous: false,
    createSource: true,
  });
});

test("a name is a volume that gets the image's files", () => {
  const { type, name, mode, copy, propagation } = pick("data:/x");
  assert.deepEqual(
    { type, name, mode, copy, propagation },
    { type: "volume", name: "data", mode: "z", copy: true, propagation: "" },
  );
  assert.equal(pick("data:/x:nocopy").copy, false);
});

test("a path alone is an anonymous volume", () => {
  const { type, name, anonymous } = pick("/only");
  assert.deepEqual({ type, name, anonymous }, { type: "volume", name: "", anonymous: true });
});

for (const [text, message] of [
  ["a:/x:zz", "invalid mode: zz"],
  ["a:/x:ro,rw", "invalid mode: ro,rw"],
  [
    "a:/x:rslave",
    `invalid volume specification: 'a:/x:rslave': invalid mount config for type "volume": field BindOptions must not be specified`,
  ],
  [
    "/a:/x:nocopy",
    `invalid volume specification: '/a:/x:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
  ],
  ["a:b:c:d", "invalid volume specification: 'a:b:c:d'"],
  ["a::ro", "invalid volume specification: 'a::ro'"],
  [
    "/a:x",
    "invalid volume specification: '/a:x': invalid mount config for type \"bind\": invalid mount path: 'x' mount path must be absolute",
  ],
  [
    "/a:/x/..",
    "invalid volume specification: '/a:/x/..': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
  ],
] as const)
  test(`the bind ${text} is refused`, () => {
    assert.throws(() => parseBind(text), { kind: "invalid", message });
  });

test("a tmpfs mount has its size and mode as options", () => {
  const mount = parseMount(
    {
      Type: "tmpfs",
      Target: "/t",
      TmpfsOptions: { SizeBytes: 10, Mode: 0o700, Options: [["noexec"], ["nr_inodes", "5"]] },
    },
    50,
  );
  assert.deepEqual(mount.options, ["size=10", "mode=700", "noexec", "nr_inodes=5"]);
});

for (const [name, mount, message] of [
  [
    "no target",
    { Type: "bind", Target: "", Source: "/a" },
    'invalid mount config for type "bind": field Target must not be empty',
  ],
  [
    "a bind without source",
    { Type: "bind", Target: "/x" },
    'invalid mount config for type "bind": field Source must not be empty',
  ],
  [
    "a tmpfs with source",
    { Type: "tmpfs", Target: "/x", Source: "/a" },
    'invalid mount config for type "tmpfs": field Source must not be specified',
  ],
  [
    "an unknown type",
    { Type: "frob", Target: "/x" },
    'invalid mount config for type "frob": mount type unknown',
  ],
  [
    "options of another type",
    { Type: "bind", Target: "/x", Source: "/a", TmpfsOptions: {} },
    'TmpfsOptions must not be specified on mount type "bind"',
  ],
  [
    "a path out of the volume",
    { Type: "volume", Target: "/x", Source: "a", VolumeOptions: { Subpath: "b/../../c" } },
    "subpath must be a relative path within the volume",
  ],
  [
    "an image without a name",
    { Type: "image", Target: "/x" },
    'invalid mount config for type "image": field Source must not be empty',
  ],
] as const)
  test(`a mount with ${name} is refused`, () => {
    assert.throws(() => parseMount(mount, 50), { kind: "invalid", message });
  });

test("volumes of a container can be taken over read-only", () => {
  assert.deepEqual(parseVolumesFrom("web:ro"), { container: "web", mode: "ro" });
  assert.throws(() => parseVolumesFrom("web:zz"), { message: "invalid mode: zz" });
});

test("a tmpfs of HostConfig.Tmpfs needs an absolute path", () => {
  assert.deepEqual(parseTmpfs("/t/", "size=1m,exec"), { destination: "/t", options: ["size=1m", "exec"] });
  assert.throws(() => parseTmpfs("t", ""), {
    message: "invalid mount path: 't' mount path must be absolute",
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeOp } from "./describe-op.ts";
import type { OpBody } from "./ops.ts";

const rows: readonly (readonly [OpBody, string])[] = [
  [{ op: "clone", flags: 0x20020000 }, "clone3(CLONE_NEWNS|CLONE_NEWPID)"],
  [{ op: "setns", path: "/run/netns/x", flags: 0x40000000 }, 'setns("/run/netns/x", CLONE_NEWNET)'],
  [
    { op: "mount", source: "proc", target: "/proc", root: 1, fstype: "proc", flags: 0xe, data: "" },
    'mount("proc", slot1:"/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, "")',
  ],
  [{ op: "open", path: "/a", flags: 0o2200000, slot: 3 }, 'open("/a", O_DIRECTORY|O_CLOEXEC) as slot3'],
  [{ op: "mkdir", path: "/a", mode: 0o755 }, 'mkdir("/a", 0755)'],
  [{ op: "write", path: "/p", flags: 1, data: Buffer.from("64\n") }, 'write("/p", "64")'],
  [{ op: "write", path: "/p", flags: 1, data: Uint8Array.of(0, 1) }, 'write("/p", 2 bytes)'],
  [{ op: "capBounding", mask: 0b101n }, "prctl(PR_CAPBSET_DROP, all but CHOWN|DAC_READ_SEARCH)"],
  [{ op: "rlimit", resource: 7, soft: 1n, hard: 2n }, "setrlimit(RLIMIT_NOFILE, 1, 2)"],
  [
    { op: "seccomp", filter: new Uint8Array(16), flags: 0 },
    "seccomp(SECCOMP_SET_MODE_FILTER, 0x0, 2 instructions)",
  ],
  [{ op: "umount", target: "/x", flags: 0x102 }, 'umount2("/x", MNT_DETACH|0x100)'],
];
for (const [op, wanted] of rows)
  test(`${op.op} is shown as ${wanted}`, () => assert.equal(describeOp({ why: "", ...op }), wanted));

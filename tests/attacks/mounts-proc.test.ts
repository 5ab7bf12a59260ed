// Attacks on procfs, cgroups and what is read-only: what a container is shown must be what its confinement relies on.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import type { Op, Plan } from "#kernel/plan/ops.ts";
import { MOUNT_ATTR_RDONLY, MS_SLAVE } from "#libcontainer/linux-flags.table.ts";
import { planLeaveHost, readFullMounts } from "#libcontainer/mounts/plan-leave-host.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import {
  type ContainerMachine,
  dockerSpec,
  outcomeOf,
  runScript,
  skip,
} from "../libcontainer/container-machine.ts";
import { look, mountTree } from "../libcontainer/mounted.ts";
import { giveToRoot, maps, withUser } from "../libcontainer/user-mapped.ts";
import { testAttack } from "./attack.ts";
import { both, instead, startAttackedMachine, without } from "./weakened.ts";

/** As if a race had put a directory of the attacker where procfs should be. */
const redirected = (fake: string): ((plan: Plan) => Plan) =>
  instead("newMount", (op) =>
    op.fstype === "proc"
      ? [{ op: "openTree", why: op.why, source: fake, slot: op.slot, recursive: false }]
      : [op],
  );

const uncheckedFiles = instead("write", ({ fsMagic: _unchecked, ...op }) => [op]);

/** What is written to a file of the attacker instead of a kernel parameter. */
async function catchParameter(weaken: (plan: Plan) => Plan): Promise<string> {
  const fake = "/tmp/gantry-fake-proc";
  await using machine = await startAttackedMachine({ plan: (plan) => weaken(redirected(fake)(plan)) });
  using stack = new DisposableStack();
  stack.defer(() => execFileSync("rm", ["-r", fake]));
  const file = join(fake, "sys/net/ipv4/ip_unprivileged_port_start");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
  const sysctl = { "net.ipv4.ip_unprivileged_port_start": "7" };
  const spec = dockerSpec(machine.host, machine.makeRoot(), "true", { linux: { sysctl } });
  await machine
    .create(spec)
    .then((made) => made[Symbol.asyncDispose]())
    .catch(() => {});
  return readFileSync(file, "utf8");
}

test("CVE-2025-52881: a kernel parameter is written to procfs or not at all", { skip }, async () => {
  assert.equal(await catchParameter((plan) => plan), "");
});
test("weakened: CVE-2025-52881: a kernel parameter is written to procfs or not at all", {
  skip,
}, async () => {
  assert.equal(await catchParameter(uncheckedFiles), "7");
});

/** A mount at another path comes to lie where it may not. */
const movedTo = (target: string): ((plan: Plan) => Plan) =>
  instead("attachTree", (op) => [op.target === "/stand-in" ? { ...op, target } : op]);

for (const [target, script] of [
  ["/proc/self/attr", "ls /proc/self/attr/mine"],
  ["/proc/sys", "cat /proc/sys/mine"],
  ["/proc", "cat /proc/mine"],
] as const) {
  const source = "/tmp/gantry-mine";
  let destination: string = target;
  testAttack({
    name: `CVE-2019-16884, CVE-2015-3631: nothing covers ${target}`,
    weakening: {
      plan: (plan) => {
        destination = "/stand-in";
        return movedTo(target.replace("self", "1"))(plan);
      },
    },
    attempt: async (machine) => {
      using stack = new DisposableStack();
      stack.defer(() => execFileSync("rm", ["-r", source]));
      mkdirSync(source);
      writeFileSync(join(source, "mine"), "mine");
      let found = "";
      for (const path of [destination, target, "/stand-in"]) {
        const mounts: readonly Mount[] = [{ destination: path, type: "bind", source, options: ["bind"] }];
        const said = await runScript(machine, script, { mounts }).catch((error: unknown) => {
          assert.match(String(error), /cannot be mounted because/);
          return undefined;
        });
        found += said?.stdout ?? "";
      }
      return found;
    },
  });
}

const writableCgroups = both(
  instead("mountAttr", (op) => [
    op.why.includes("/sys/fs/cgroup") ? { ...op, set: op.set & ~MOUNT_ATTR_RDONLY } : op,
  ]),
  instead("newMount", (op) => [
    op.why.includes("/sys/fs/cgroup")
      ? { ...op, attributes: op.attributes & ~MOUNT_ATTR_RDONLY, keys: [], values: [] }
      : op,
  ]),
);

testAttack({
  name: "CVE-2022-0492: a container cannot change the cgroups that it is shown",
  weakening: { plan: writableCgroups },
  attempt: async (machine) => {
    const made = "$d/gantry-made";
    const script = `for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir ${made} && rmdir ${made} && echo $d; done 2>/dev/null`;
    return (await runScript(machine, script)).stdout;
  },
});

testAttack({
  name: "CVE-2026-115521: every mount that is read-only in the specification is so in the container",
  // As crun had it: it becomes so later, by a path.
  weakening: { plan: without("mountAttr", ({ set, target }) => set === MOUNT_ATTR_RDONLY && target === "") },
  attempt: async (machine) => {
    const mounts: readonly Mount[] = [
      { destination: "/a", type: "tmpfs", source: "tmpfs", options: ["ro"] },
      { destination: "/b", type: "bind", source: machine.folder, options: ["bind", "ro"] },
    ];
    const view = await look(machine, { mounts, readonly: true, root: readyRoot(machine) });
    return ["/", "/a", "/b", "/sys"].filter((path) => view.at(path)?.options[0] !== "ro").join();
  },
});

const readyRoot = (machine: ContainerMachine): string =>
  machine.makeRoot((root) => {
    for (const name of ["proc", "sys", "dev", "a", "b"]) mkdirSync(join(root, name));
  });

const user = { namespaces: withUser, linux: maps };

testAttack({
  name: "what the root of a user namespace mounts in a bind does not appear on the machine",
  weakening: {
    plan: without("mountAttr", ({ propagation, target }) => propagation === MS_SLAVE && target === ""),
  },
  attempt: async (machine) => {
    const source = join(machine.folder, "peer");
    using _tree = mountTree(source, "rw", "shared");
    const mounts: readonly Mount[] = [{ destination: "/peer", type: "bind", source, options: ["rbind"] }];
    const root = machine.makeRoot((path) => {
      giveToRoot(path);
    });
    const view = await look(
      machine,
      { ...user, root, mounts },
      "mount -t tmpfs tmpfs /peer/inner && touch /peer/inner/here && echo mounted",
    );
    assert.equal(view.stdout, "mounted", view.stderr);
    return existsSync(join(source, "inner/here")) ? "here" : "";
  },
});

/** The kernel gives a new user namespace a procfs of its own, without masks, where one without masks can be seen. */
async function mountUnmasked(weaken: (op: Op) => Plan): Promise<string> {
  await using machine = await startAttackedMachine({
    plan: (plan) =>
      plan.flatMap((op) =>
        op.op === "pivotRoot" ? planLeaveHost(op.newRoot, readFullMounts()).flatMap(weaken) : [op],
      ),
  });
  const root = machine.makeRoot();
  const script = "ls -d /bin /proc/1; pwd; unshare -Urmpf mount -t proc proc /tmp && echo mounted";
  const view = await look(machine, { root }, script);
  assert.ok(view.at("/")?.root.endsWith(basename(root)));
  const [bin, one, cwd, ...rest] = view.stdout.split("\n");
  assert.deepEqual([bin, one, cwd], ["/bin", "/proc/1", "/"], view.stderr);
  return rest.join();
}

const leaveHostMounts = (op: Op): Plan =>
  ["umount", "newMount", "attachTree", "close"].includes(op.op) ? [] : [op];

test("--no-pivot: no procfs without masks can be mounted", { skip }, async () => {
  assert.equal(await mountUnmasked((op) => [op]), "");
  assert.equal(await mountUnmasked((op) => (op.op === "umount" ? [] : [op])), "", "covered is enough");
});
test("weakened: --no-pivot: no procfs without masks can be mounted", { skip }, async () => {
  assert.equal(await mountUnmasked(leaveHostMounts), "mounted");
});

test("--no-pivot: a container of a user namespace runs, too, its machine's procfs covered", {
  skip,
}, async () => {
  await using machine = await startAttackedMachine({
    plan: (plan) =>
      plan.flatMap((op) => (op.op === "pivotRoot" ? planLeaveHost(op.newRoot, readFullMounts()) : [op])),
  });
  const root = machine.makeRoot((path) => {
    giveToRoot(path);
  });
  await using container = await machine.create(
    dockerSpec(machine.host, root, "ls -d /bin /proc/1; pwd", user),
  );
  assert.equal((await outcomeOf(container.shim)).stdout, "/bin\n/proc/1\n/\n");
});

// Forwarding between interfaces, which the kernel does for all of them or none, and what that must not change.
//
// A host that forwarded nothing before the engine's first network is no router after it: packets from an interface that was there then to
// another one are dropped (the set "apart" of firewall/table.ts). What came later is not touched, since dockerd, libvirt and the like mean it to
// be forwarded, and no table can let through what another one drops. dockerd sets the policy of iptables' FORWARD instead.
//
// What was there is written down for the engine's next processes, with the boot that it is true of.

import { readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { type Decoded, DecodeError, array as list, object, string } from "#base/decode.ts";
import { Lock } from "#base/lock.ts";
import { NETLINK_ROUTE } from "#formats/netlink/message.ts";
import { decodeLink, dumpLinks, type Link } from "#formats/rtnetlink/links.ts";
import type { Executor, PlanResult } from "#kernel/plan/executor.ts";
import { repliesOf } from "#kernel/plan/netlink-replies.ts";
import type { Op } from "#kernel/plan/ops.ts";
import type { Firewall } from "./firewall/firewall.ts";
import { writeSysctl } from "./sandbox-plan.ts";

interface ForwardingDeps {
  readonly executor: Pick<Executor, "run">;
  readonly rules: Pick<Firewall, "keepApart">;
}

export interface ForwardingSettings {
  /** --ip-forward: forwarding is turned on where it is off. */
  readonly turnsOn: boolean;
  /** Not --ip-forward-no-drop. */
  readonly keepsApart: boolean;
}

type Family = 4 | 6;

const sysctls = { 4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding" } as const;
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const LOOPBACK = "lo";
/** Bridges and their ports, as engines name them: of networks that were there, or were being made, when an IPv6 network was the first of its family. */
const MADE = /^(br-[0-9a-f]{12}|veth[0-9a-f]{7})$/;
const never = new AbortController().signal;

/** `ipv4`, `ipv6`: names of the interfaces that there were when forwarding was turned on; missing: it was not by us. */
const decodeRecord = object({ boot: string }, { ipv4: list(string), ipv6: list(string) });
type Remembered = Decoded<typeof decodeRecord>;

const keyOf = (family: Family): "ipv4" | "ipv6" => (family === 4 ? "ipv4" : "ipv6");

export class Forwarding {
  readonly #deps: ForwardingDeps;
  readonly #path: string;
  readonly #settings: ForwardingSettings;
  readonly #lock = new Lock();
  #record: Remembered;

  /** `path`: of the file that remembers. */
  constructor(deps: ForwardingDeps, path: string, settings: ForwardingSettings) {
    this.#deps = deps;
    this.#path = path;
    this.#settings = settings;
    const boot = readFileSync(BOOT_ID, "utf8").trim();
    const known = readRecord(path);
    this.#record = known?.boot === boot ? known : { boot };
  }

  /** Tells the rules what an earlier process has written down. */
  async restore(): Promise<void> {
    for (const family of [4, 6] as const) await this.#keepApart(family);
  }

  get turnsOn(): boolean {
    return this.#settings.turnsOn;
  }

  /** Turns it on unless it is. */
  async turnOn(family: Family): Promise<void> {
    if (!this.turnsOn) return;
    using _held = await this.#lock.acquire();
    const read: Op = {
      op: "read",
      why: "forwarding",
      path: `/proc/sys/${sysctls[family]}`,
      missingOk: true,
    };
    const found = await this.#deps.executor.run([read], never);
    const before = Buffer.concat(found.get(0) ?? [])
      .toString()
      .trim();
    if (before !== "0") return; // it is on, or the kernel has none
    const links = linksIn(await this.#deps.executor.run([listLinks], never));
    // A bridge may be another engine's, which has IPv4 by now and gets IPv6 later.
    const names = links.filter(({ kind }) => kind !== "bridge").map(({ name }) => name);
    this.#record = { ...this.#record, [keyOf(family)]: names };
    await writeFile(`${this.#path}.new`, JSON.stringify(this.#record), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
    await this.#keepApart(family);
    await this.#set(family, "1");
  }

  /** Of an engine of which nothing is to stay: what it turned on is off again, unless there are interfaces that came later, whose packets may be meant
   *  to be forwarded. Other engines make theirs first, and turn it on then. */
  async giveBack(): Promise<void> {
    for (const family of [4, 6] as const) {
      const then = this.#record[keyOf(family)];
      if (then === undefined) continue;
      const isAlone = async (): Promise<boolean> =>
        linksIn(await this.#deps.executor.run([listLinks], never)).every(({ name }) => then.includes(name));
      if (!(await isAlone())) continue;
      await this.#set(family, "0");
      if (!(await isAlone())) await this.#set(family, "1");
    }
    await rm(this.#path, { force: true });
  }

  async #set(family: Family, value: "0" | "1"): Promise<void> {
    await this.#deps.executor.run([writeSysctl(sysctls[family], value)], never);
  }

  async #keepApart(family: Family): Promise<void> {
    const names = this.#record[keyOf(family)]?.filter((name) => !MADE.test(name));
    if (names !== undefined && this.#settings.keepsApart) await this.#deps.rules.keepApart(family, names);
  }
}

const listLinks: Op = {
  op: "netlink",
  why: "list interfaces",
  protocol: NETLINK_ROUTE,
  messages: [dumpLinks()],
};

const linksIn = (result: PlanResult): readonly Link[] =>
  repliesOf(result)
    .flatMap((message) => decodeLink(message) ?? [])
    .filter(({ name }) => name !== LOOPBACK);

/** undefined if there is none, or nothing that could be read. */
function readRecord(path: string): Remembered | undefined {
  try {
    return decodeRecord(JSON.parse(readFileSync(path, "utf8")), "");
  } catch (error) {
    if (error instanceof DecodeError || error instanceof SyntaxError) return undefined;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

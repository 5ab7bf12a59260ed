// Users of the image store. Each has names of its own: what one of them was told is so until that user changes it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { digestOf } from "#formats/digest.ts";
import { file, makeArchive } from "../images/unpacker.ts";
import type { Api } from "../system/api.ts";
import type { Chance } from "./seed.ts";

/** An image as an archive of `docker save`, and under the same name in a registry. */
export interface Source {
  readonly name: string;
  readonly archive: Uint8Array;
}

export interface User {
  readonly api: Api;
  readonly chance: Chance;
  readonly name: string;
  readonly sources: readonly Source[];
  /** Names that are there for certain; those that something was asked for and not answered are neither here nor certain to be gone. */
  readonly held: Set<string>;
  /** Of the sources: pulls that were not answered. */
  readonly pulling: Set<string>;
}

/** Half of it compresses. */
const LAYER = 400_000;
const makeLayer = (name: string): Buffer =>
  makeArchive([file(name, randomBytes(LAYER).toString("hex")), file("same")]);

const base = makeLayer("base");
const root = makeArchive([file("imported", "x".repeat(LAYER))]);

/** Three layers; the lowest is that of all sources. */
export function makeSource(name: string): Source {
  const layers = [base, makeLayer("middle"), makeLayer("top")];
  const config = {
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
  };
  const names = layers.map((_, at) => `${at}.tar`);
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: names }];
  const documents = [
    file("config.json", JSON.stringify(config)),
    file("manifest.json", JSON.stringify(manifest)),
  ];
  const parts = layers.map((layer, at) => file(names[at] ?? "", layer.toString("latin1")));
  return { name, archive: makeArchive([...documents, ...parts]) };
}

/** What is answered as it goes on: an error may come after the status. */
async function stream(api: Api, path: string, body?: Uint8Array): Promise<void> {
  const { status, body: said } = await api.send("POST", path, body);
  assert.equal(status, 200, said.toString());
  assert.doesNotMatch(said.toString(), /errorDetail/);
}

export const load = ({ api }: Pick<User, "api">, { archive }: Source): Promise<void> =>
  stream(api, "/images/load", archive);

export const pull = ({ api }: Pick<User, "api">, name: string): Promise<void> =>
  stream(api, `/images/create?fromImage=${encodeURIComponent(name)}`);

/** Until it is answered, nobody knows. */
async function change(
  user: User,
  name: string,
  isThere: boolean,
  act: () => Promise<unknown>,
): Promise<void> {
  user.held.delete(name);
  await act();
  if (isThere) user.held.add(name);
}

const pick = <T>({ chance }: User, some: readonly T[]): T | undefined => some[chance.pick(some.length)];

function pickSource(user: User): Source {
  const source = pick(user, user.sources);
  assert.ok(source !== undefined);
  return source;
}

async function pullOne(user: User): Promise<void> {
  const { name } = pickSource(user);
  user.pulling.add(name);
  await change(user, name, true, () => pull(user, name));
  user.pulling.delete(name);
}

async function loadOne(user: User): Promise<void> {
  const source = pickSource(user);
  await change(user, source.name, true, () => load(user, source));
}

async function removeOne(user: User): Promise<void> {
  const name = pick(user, [...user.held]);
  if (name === undefined) return;
  const act = () => user.api.ask("DELETE", `/images/${encodeURIComponent(name)}?force=1`);
  await change(user, name, false, act);
}

async function tagOne(user: User): Promise<void> {
  const name = pick(user, [...user.held]);
  if (name === undefined) return;
  const tag = String(user.chance.pick(1000));
  const path = `/images/${encodeURIComponent(name)}/tag?repo=${user.name}&tag=${tag}`;
  await change(user, `${user.name}:${tag}`, true, () => user.api.ask("POST", path));
}

async function importOne({ api }: User): Promise<void> {
  await stream(api, "/images/create?fromSrc=-", root);
}

async function prune({ api }: User): Promise<void> {
  const { status } = await api.send("POST", "/images/prune");
  assert.ok(status === 200 || status === 409, "another prune may run");
}

/** What a kill falls into, and what has to be done before. */
export const verbs = {
  pull: { prepare: async () => {}, act: pullOne },
  load: { prepare: async () => {}, act: loadOne },
  rmi: { prepare: loadOne, act: removeOne },
  prune: {
    prepare: async (user: User) => {
      for (let count = 0; count < 3; count++) await importOne(user);
    },
    act: prune,
  },
} as const;

/** Until the daemon is gone. Rejects when it answers wrongly. */
export async function untilGone(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && /^E(CONN|PIPE)/.test(String(error.code));
    if (!isGone) throw error;
  }
}

const steps = [pullOne, loadOne, removeOne, tagOne, importOne, prune];

/** One thing after the other. */
export async function work(user: User): Promise<never> {
  for (;;) await pick(user, steps)?.(user);
}

// Giving names to images and taking them away. An image that loses its last name to another one stays, dangling.

import { isKind } from "#base/errors.ts";
import type { ImageStore } from "#containerd/images/images.ts";
import type { Scope } from "#containerd/scope.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { ImageCatalog } from "./catalog.ts";
import { danglingName } from "./local-image.ts";

export interface NamesDeps {
  readonly images: ImageStore;
  readonly catalog: ImageCatalog;
  readonly scope: Scope;
}

/** Label of a record: when a user last gave this name. */
export const TAGGED_AT = "io.gantry.tagged-at";

/** Lets `name` stand for the target from now on. The caller holds the names lock. */
export async function setName(
  deps: NamesDeps,
  name: string,
  target: Descriptor,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const { images, scope } = deps;
  const before = await findRecord(deps, name);
  if (before !== undefined && before.target.digest !== target.digest)
    await keepNameless(deps, name, before.target);
  if (before === undefined) await images.create(scope, { name, target, labels });
  else await images.update(scope, { name, target, labels }, []);
  deps.catalog.forget(target);
  await removeRecord(deps, danglingName(target.digest));
}

/** The image that had the name gets a record of its own unless it has other names. */
async function keepNameless(deps: NamesDeps, name: string, target: Descriptor): Promise<void> {
  const { images, scope, catalog } = deps;
  const image = (await catalog.list()).find(({ records }) => records.some((record) => record.name === name));
  if (image === undefined || image.records.length > 1) return;
  const dangling = { name: danglingName(target.digest), target, labels: {} };
  await images.create(scope, dangling).catch((error: unknown) => {
    if (!isKind(error, "conflict")) throw error;
  });
}

async function findRecord({ images, scope }: NamesDeps, name: string) {
  try {
    return await images.get(scope, name);
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** Idempotent. */
export async function removeRecord(
  { images, scope }: Pick<NamesDeps, "images" | "scope">,
  name: string,
): Promise<void> {
  try {
    await images.delete(scope, name);
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}

// What a layer holds in a namespace, without what must differ: times, process ids, paths.

import type { ContainerdServices } from "#containerd/services.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

type Labels = Readonly<Record<string, string>>;

const labelsOf = (labels: Labels): readonly string[] =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${/^\d{4}-\d\d-\d\dT/.test(value) ? "TIME" : value}`)
    .toSorted();

/** A line for each thing, sorted. */
export async function readLayer(services: ContainerdServices, namespace: string): Promise<readonly string[]> {
  const scope = { namespace };
  const { content, snapshots, images, leases, containers, tasks } = services;
  const things = [
    ...(await collect(content.list(scope, []))).map(({ digest, size, labels }) => ({
      blob: digest,
      size,
      labels: labelsOf(labels),
    })),
    ...(await content.statuses(scope, [])).map(({ ref, offset, total }) => ({ ingest: ref, offset, total })),
    ...(await collect(snapshots.list(scope, []))).map(({ name, parent, kind, labels }) => ({
      snapshot: name,
      parent,
      kind,
      labels: labelsOf(labels),
    })),
    ...(await images.list(scope, [])).map(({ name, target, labels }) => ({
      image: name,
      target,
      labels: labelsOf(labels),
    })),
    ...(await leases.list(scope, [])).map(({ labels }) => ({ leaseLabels: Object.keys(labels).toSorted() })),
    ...(await containers.list(scope, [])).map(
      ({ id, image, runtime, snapshotter, snapshotKey, labels, extensions }) => ({
        container: id,
        image,
        runtime: runtime.name,
        snapshotter,
        snapshotKey,
        labels: labelsOf(labels),
        extensions: Object.keys(extensions).toSorted(),
      }),
    ),
    ...(await tasks.list(scope)).map(({ containerId, status, exitCode }) => ({
      task: containerId,
      status,
      exitCode,
    })),
  ];
  return things.map((thing) => JSON.stringify(thing)).toSorted();
}

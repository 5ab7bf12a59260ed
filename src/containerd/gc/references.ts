// Who refers to whom, as containerd's labels tell it:
//   containerd.io/gc.ref.content[.anything]   digest
//   containerd.io/gc.ref.snapshot.<name>      snapshot key
//   containerd.io/gc.ref.image[.anything]     image name
//   containerd.io/gc.root                     kept for its own sake
//   containerd.io/gc.expire                   RFC 3339: kept, or a lease valid, until then

import type { Labels } from "../scope.ts";

type NodeType = "content" | "snapshot" | "image";

/** An object of one namespace. */
export interface Node {
  readonly type: NodeType;
  readonly key: string;
}

export const nodeName = ({ type, key }: Node): string => `${type}\0${key}`;

const prefix = "containerd.io/gc.ref.";

export function referencesOf(labels: Labels, snapshotter: string): readonly Node[] {
  return Object.entries(labels).flatMap(([label, key]): readonly Node[] => {
    if (!label.startsWith(prefix)) return [];
    const [kind, ...rest] = label.slice(prefix.length).split(".");
    if (kind === "content") return [{ type: "content", key }];
    if (kind === "image") return [{ type: "image", key }];
    // A snapshot's label may carry a suffix behind the snapshotter's name, set off by a slash.
    const isOurs = kind === "snapshot" && rest.join(".").split("/")[0] === snapshotter;
    return isOurs ? [{ type: "snapshot", key }] : [];
  });
}

export const isExpired = (labels: Labels, now: number): boolean =>
  Date.parse(labels["containerd.io/gc.expire"] ?? "") <= now;

export const isRoot = (labels: Labels, now: number): boolean =>
  labels["containerd.io/gc.root"] !== undefined ||
  (labels["containerd.io/gc.expire"] !== undefined && !isExpired(labels, now));

export const isFlat = (labels: Labels): boolean => labels["containerd.io/gc.flat"] !== undefined;

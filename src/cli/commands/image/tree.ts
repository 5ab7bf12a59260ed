// `images --tree`: each image with a line for each of its platforms.

import { formatSize } from "#formats/units.ts";
import type { ImageManifestSummary, ImageSummary } from "#spec/engine-api/definitions.table.ts";
import { formatPlatform } from "#spec/platform.ts";
import { shortId } from "../../output/texts.ts";

interface Details {
  readonly id: string;
  readonly usage: string;
  readonly content: string;
  readonly used: boolean;
}

interface Branch {
  readonly label: string;
  readonly details: Details;
}

interface Tree {
  readonly names: readonly string[];
  readonly details: Details;
  readonly branches: readonly Branch[];
}

const GAP = "   ";
const COLUMNS = { id: 12, usage: 10, content: 12, extra: 5 } as const;
/** Of the first column; with less there are fewer of the others. */
const NARROWEST = 12;
const WARNING =
  "WARNING: This is an experimental feature. The output may change and shouldn't be depended on.\n";

const UNTAGGED = "<untagged>";
const USED = "U";
const LEGEND = "Info ->  U In Use ";

const size = (bytes: number): string => formatSize(bytes, 3);

function toTree({ Id = "", Size = 0, RepoTags, Containers = 0, Manifests }: ImageSummary): Tree {
  const images = (Manifests ?? []).filter(({ Kind }) => Kind === "image");
  const usedBelow = images.some(({ ImageData }) => (ImageData?.Containers ?? []).length > 0);
  const content = images.reduce((sum, { Size: own }) => sum + (own?.Content ?? 0), 0);
  return {
    names: RepoTags ?? [],
    details: { id: Id, usage: size(Size), content: size(content), used: Containers > 0 || usedBelow },
    branches: images.map((image, at) => toBranch(image, at === images.length - 1)),
  };
}

function toBranch({ ID = "", Size, ImageData }: ImageManifestSummary, isLast: boolean): Branch {
  const { os = "", architecture = "", variant = "" } = ImageData?.Platform ?? {};
  return {
    label: `${isLast ? "└─" : "├─"} ${formatPlatform({ os, architecture, variant })}`,
    details: {
      id: ID,
      usage: size(Size?.Total ?? 0),
      content: size(Size?.Content ?? 0),
      used: (ImageData?.Containers ?? []).length > 0,
    },
  };
}

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 3)}...` : text.padEnd(width);

/** The newest first, nameless ones only with `all`; `width` of the terminal. */
export function imageTree(images: readonly ImageSummary[], all: boolean, width: number): string {
  const shown = images.filter(({ RepoTags }) => all || (RepoTags ?? []).length > 0);
  const trees = shown.toSorted((a, b) => (b.Created ?? 0) - (a.Created ?? 0)).map(toTree);
  const labels = trees.flatMap(({ names, branches }) => [...names, ...branches.map(({ label }) => label)]);
  const others = Object.values(COLUMNS).reduce((sum, column) => sum + column + GAP.length, 0);
  const widest = Math.max("Image".length, ...labels.map((label) => Buffer.byteLength(label)));
  const first = Math.min(widest, Math.max(NARROWEST, width - others));
  const row = (label: string, cells: readonly string[]): string => [label, ...cells].join(GAP);
  const detailRow = (label: string, { id, usage, content, used }: Details): string =>
    row(label, [
      cut(shortId(id), COLUMNS.id),
      usage.padStart(COLUMNS.usage),
      content.padStart(COLUMNS.content),
      (used ? USED : "").padEnd(COLUMNS.extra),
    ]);
  const head = row("IMAGE".padEnd(first), [
    "ID".padEnd(COLUMNS.id),
    "DISK USAGE".padStart(COLUMNS.usage),
    "CONTENT SIZE".padStart(COLUMNS.content),
    "EXTRA",
  ]);
  const blocks = trees.map(({ names, details, branches }) => {
    const lines = [...names];
    const last = cut(lines.pop() ?? UNTAGGED, first);
    return [
      ...lines,
      detailRow(last, details),
      ...branches.map(({ label, details: own }) => detailRow(cut(label, first), own)),
    ].join("\n");
  });
  return `${WARNING}${LEGEND.padStart(width)}\n\n${head}\n${blocks.map((block) => `${block}\n\n`).join("")}`;
}

// `system df -v`: every object with its size; as tables, or as data for a template.

import type { DiskUsage } from "#client/system.ts";
import { Struct } from "#formats/go-template-values.ts";
import { formatSize } from "#formats/units.ts";
import { compileFormat, executeFormat, formatRows, type Listing } from "../../output/listing.ts";
import { containerListing, containerRow } from "../container/ls.ts";
import { imageListing, imageNames, imageRow } from "../image/ls.ts";
import { volumeListing, volumeRow } from "../volume/ls.ts";

const imageRows = ({ Images }: DiskUsage, now: number, whole: boolean): readonly Struct[] =>
  (Images ?? []).flatMap((image) =>
    imageNames(image, false)
      .slice(0, 1)
      .map((name) => imageRow(image, name, now, whole)),
  );

const containerRows = ({ Containers }: DiskUsage, now: number, whole: boolean): readonly Struct[] =>
  (Containers ?? []).map((container) => containerRow({ ...container, SizeRootFs: 0 }, now, whole));

const volumeRows = ({ Volumes }: DiskUsage): readonly Struct[] => (Volumes ?? []).map(volumeRow);

const cacheListing: Listing = {
  type: "*formatter.buildCacheContext",
  defaultTable: "",
  headers: {
    ID: "CACHE ID",
    CacheType: "CACHE TYPE",
    Size: "SIZE",
    CreatedSince: "CREATED",
    LastUsedSince: "LAST USED",
    UsageCount: "USAGE",
    Shared: "SHARED",
  },
};

/** The table of `listing`, but with these columns. */
const detailTable = (listing: Listing, fields: readonly string[], rows: readonly Struct[]): string =>
  formatRows({ ...listing, defaultTable: fields.map((field) => `{{.${field}}}`).join("\t") }, "table", rows);

const IMAGE_FIELDS = "Repository Tag ID CreatedSince Size SharedSize UniqueSize Containers".split(" ");
const CONTAINER_FIELDS = "ID Image Command LocalVolumes Size RunningFor Status Names".split(" ");

export function detailTables(usage: DiskUsage, cacheSize: number, now: number): string {
  const images = detailTable(imageListing, IMAGE_FIELDS, imageRows(usage, now, false));
  const containers = detailTable(containerListing, CONTAINER_FIELDS, containerRows(usage, now, false));
  const volumes = detailTable(volumeListing, ["Name", "Links", "Size"], volumeRows(usage));
  const cache = detailTable(cacheListing, Object.keys(cacheListing.headers), []);
  return [
    `Images space usage:\n\n${images}`,
    `Containers space usage:\n\n${containers}`,
    `Local Volumes space usage:\n\n${volumes}`,
    `Build cache usage: ${formatSize(cacheSize)}\n\n${cache}`,
  ].join("\n");
}

/** Docker tells no digests here. */
const withoutDigest = ({ type, fields }: Struct): Struct => new Struct(type, { ...fields, Digest: "" });

/** The template sees all lists at once; nothing follows its text, as with Docker. */
export function formatDetails(usage: DiskUsage, format: string, now: number): string {
  const source = format === "json" ? "{{json .}}" : format.replace(/^table\s+/, "");
  const template = compileFormat(source, { missingKey: "error" });
  return executeFormat(template, {
    Images: imageRows(usage, now, true).map(withoutDigest),
    Containers: containerRows(usage, now, true),
    Volumes: volumeRows(usage),
    BuildCache: [],
  });
}

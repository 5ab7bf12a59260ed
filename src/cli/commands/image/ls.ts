import { Struct } from "#formats/go-template-values.ts";
import { familiarName, parseReference } from "#formats/reference.ts";
import { formatSize } from "#formats/units.ts";
import type { ImageSummary } from "#spec/engine-api/definitions.table.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { filterFlag, parseFilters } from "../../output/filters.ts";
import { formatFlag, type Listing, printRows } from "../../output/listing.ts";
import { formatAgo, formatTime, shortId } from "../../output/texts.ts";
import { imageTree } from "./tree.ts";

const all = toggle("all", { short: "a", about: "Show all images (default hides intermediate images)" });
const digests = toggle("digests", { about: "Show digests" });
const noTrunc = toggle("no-trunc", { about: "Don't truncate output" });
const quiet = toggle("quiet", { short: "q", about: "Only show image IDs" });

const tree = toggle("tree", { about: "List multi-platform images as a tree (EXPERIMENTAL)" });

const NONE = "<none>";

export const imageListing: Listing = {
  type: "*formatter.imageContext",
  defaultTable: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
  headers: {
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    Containers: "CONTAINERS",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
  },
};
const DIGESTS_TABLE = "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";

interface ImageName {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

function splitName(text: string): ImageName | undefined {
  try {
    const reference = parseReference(text);
    return {
      repository: familiarName(reference),
      tag: reference.tag ?? NONE,
      digest: reference.digest ?? NONE,
    };
  } catch {
    return undefined;
  }
}

const isName = (name: ImageName | undefined): name is ImageName => name !== undefined;

/** A row for each tag; with digests, for each tag and digest of the same repository. */
export function imageNames(image: ImageSummary, withDigests: boolean): readonly ImageName[] {
  const tags = (image.RepoTags ?? [])
    .filter((name) => !name.startsWith(NONE))
    .map(splitName)
    .filter(isName);
  const known = (image.RepoDigests ?? [])
    .filter((name) => !name.startsWith(NONE))
    .map(splitName)
    .filter(isName);
  const digestOf = (repository: string): string =>
    known.find((name) => name.repository === repository)?.digest ?? NONE;
  const untagged = known.filter(({ repository }) => !tags.some((tag) => tag.repository === repository));
  const rows = [
    ...tags.map((name) => ({ ...name, digest: withDigests ? digestOf(name.repository) : NONE })),
    ...untagged.map((name) => (withDigests ? name : { ...name, digest: NONE })),
  ];
  return rows.length > 0 ? rows : [{ repository: NONE, tag: NONE, digest: NONE }];
}

const orNotAvailable = (value: number | undefined, show: (value: number) => string): string =>
  value === undefined || value < 0 ? "N/A" : show(value);

/** The fields that templates see. */
export function imageRow(image: ImageSummary, name: ImageName, now: number, whole: boolean): Struct {
  const created = (image.Created ?? 0) * 1000;
  const size = image.Size ?? 0;
  const shared = image.SharedSize ?? -1;
  return new Struct(imageListing.type, {
    Containers: orNotAvailable(image.Containers, String),
    CreatedAt: formatTime(created),
    CreatedSince: created <= 0 ? "N/A" : formatAgo(now, created),
    Digest: name.digest,
    ID: whole ? (image.Id ?? "") : shortId(image.Id ?? ""),
    Repository: name.repository,
    SharedSize: orNotAvailable(shared, formatSize),
    Size: formatSize(size, 3),
    Tag: name.tag,
    UniqueSize: shared < 0 ? "N/A" : formatSize(size - shared),
    VirtualSize: formatSize(size),
  });
}

async function run({ session, arguments: [wanted], option, signal }: Call): Promise<void> {
  const given = parseFilters(option(filterFlag));
  const filters =
    wanted === undefined ? given : { ...given, reference: [...(given.reference ?? []), wanted] };
  if (option(tree)) refuseBesideTree(option);
  const engine = await session.engine(signal);
  const asked = { all: option(all), manifests: option(tree), filters };
  const images = await engine.images.list(asked, signal);
  if (option(tree)) {
    session.out(imageTree(images, option(all), session.surroundings.stdout.columns ?? 80));
    return;
  }
  const now = session.surroundings.now();
  const format = option(formatFlag) ?? (option(quiet) ? undefined : session.settings.imagesFormat);
  const withDigests = option(digests) || (format?.includes(".Digest") ?? false);
  const rows = images.flatMap((image) =>
    imageNames(image, withDigests).map((name) => imageRow(image, name, now, option(noTrunc))),
  );
  const table = option(digests) ? { ...imageListing, defaultTable: DIGESTS_TABLE } : imageListing;
  printRows(session, table, { format, quiet: option(quiet) && "ID" }, rows);
}

/** Throws in Docker's words for what a tree does not go with. */
function refuseBesideTree(option: Call["option"]): void {
  const refused = [
    ["quiet", option(quiet)],
    ["no-trunc", option(noTrunc)],
    ["show-digest", option(digests)],
    ["format", (option(formatFlag) ?? "") !== ""],
  ] as const;
  for (const [name, given] of refused)
    if (given) throw new Error(`--${name} is not yet supported with --tree`);
}

export const command: Command = {
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  about: "List images",
  takes: [0, 1],
  flags: [all, digests, filterFlag, formatFlag, noTrunc, quiet, tree],
  run,
};

// Image references: "busybox", "localhost:5000/team/app:1.2", "alpine@sha256:…". Docker's grammar, normalisation and error texts.
//
//   reference = [domain "/"] path [":" tag] ["@" digest]
//   no domain -> docker.io; one path component on docker.io -> library/<name>; index.docker.io -> docker.io

import { invalid } from "#base/errors.ts";
import { isDigest, parseDigest } from "./digest.ts";

/** Normalised: domain and path are always there. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** What a user may mean by a name: an image id (or its digest), or a reference. */
export type AnyReference =
  | { readonly kind: "id"; readonly digest: string }
  | { readonly kind: "name"; readonly reference: Reference };

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DEFAULT_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
const DEFAULT_TAG = "latest";
const MAX_PATH = 255;

const label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const tagText = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const digestText = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const grammar = new RegExp(
  `^(${host})/(${component}(?:/${component})*)(?::(${tagText}))?(?:@(${digestText}))?$`,
);
const identifier = /^[a-f0-9]{64}$/;
const wholeTag = new RegExp(`^${tagText}$`);

/** Reads and normalises a reference; no tag is added. Rejects `invalid` in Docker's words. */
export function parseReference(text: string): Reference {
  if (identifier.test(text))
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const [domain, remainder] = splitDomain(text);
  const colon = remainder.indexOf(":");
  const remote = colon < 0 ? remainder : remainder.slice(0, colon);
  if (remote.toLowerCase() !== remote)
    throw invalid(`invalid reference format: repository name (${remote}) must be lowercase`);
  return parseNormalised(`${domain}/${remainder}`);
}

function parseNormalised(text: string): Reference {
  const found = grammar.exec(text);
  if (found === null) throw invalid("invalid reference format");
  const [, domain = "", path = "", tag, digest] = found;
  if (path.length > MAX_PATH) throw invalid("repository name must not be more than 255 characters");
  if (digest !== undefined) parseDigest(digest);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

function splitDomain(text: string): readonly [domain: string, remainder: string] {
  const slash = text.indexOf("/");
  if (slash < 0) return [DEFAULT_DOMAIN, OFFICIAL_PREFIX + text];
  const first = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  if (first === LEGACY_DEFAULT_DOMAIN || first === DEFAULT_DOMAIN)
    return [DEFAULT_DOMAIN, rest.includes("/") ? rest : OFFICIAL_PREFIX + rest];
  if (first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first) return [first, rest];
  return [DEFAULT_DOMAIN, text];
}

/** 64 hex digits and digests are ids; all else must be a reference. */
export function parseAnyReference(text: string): AnyReference {
  if (identifier.test(text)) return { kind: "id", digest: `sha256:${text}` };
  if (isDigest(text)) return { kind: "id", digest: text };
  return { kind: "name", reference: parseReference(text) };
}

/** Adds ":latest" to a reference that has neither tag nor digest. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: DEFAULT_TAG }
    : reference;

/** Rejects `invalid` unless the text is a tag. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!wholeTag.test(tag)) throw invalid("invalid tag format");
  return { ...reference, tag };
}

/** "docker.io/library/busybox". */
export const canonicalName = (reference: Reference): string => `${reference.domain}/${reference.path}`;

/** "docker.io/library/busybox:latest". */
export const formatReference = (reference: Reference): string => canonicalName(reference) + suffix(reference);

/** "busybox", as Docker shows a repository. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return canonicalName(reference);
  const { path } = reference;
  const short = path.startsWith(OFFICIAL_PREFIX) ? path.slice(OFFICIAL_PREFIX.length) : path;
  // "docker.io/library/a/b" must not become "a/b", which means another repository.
  return short.includes("/") ? path : short;
}

/** "busybox:latest", as Docker shows a reference. */
export const familiarReference = (reference: Reference): string =>
  familiarName(reference) + suffix(reference);

const suffix = ({ tag, digest }: Reference): string =>
  (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);

// Blobs and ingests as containerd.services.content.v1 messages.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Info, InfoSchema, Status, StatusSchema } from "#proto/gen/content_pb.ts";
import { dateOf, required, toDate } from "../protobuf.ts";
import type { BlobInfo, IngestStatus } from "./content.ts";

export const encodeBlob = (info: BlobInfo): MessageInitShape<typeof InfoSchema> => ({
  digest: info.digest,
  size: BigInt(info.size),
  labels: { ...info.labels },
  createdAt: toDate(info.createdAt),
  updatedAt: toDate(info.updatedAt),
});

export function decodeBlob(message: Info | undefined): BlobInfo {
  const { digest, size, labels, createdAt, updatedAt } = required(message, "info");
  return {
    digest,
    size: Number(size),
    labels,
    createdAt: dateOf(createdAt),
    updatedAt: dateOf(updatedAt),
  };
}

export const encodeStatus = (status: IngestStatus): MessageInitShape<typeof StatusSchema> => ({
  ref: status.ref,
  offset: BigInt(status.offset),
  total: BigInt(status.total),
  expected: status.expected,
  startedAt: toDate(status.startedAt),
  updatedAt: toDate(status.updatedAt),
});

export const decodeStatus = (status: Status): IngestStatus => ({
  ref: status.ref,
  offset: Number(status.offset),
  total: Number(status.total),
  expected: status.expected,
  startedAt: dateOf(status.startedAt),
  updatedAt: dateOf(status.updatedAt),
});

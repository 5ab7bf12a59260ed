import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Image, type ImageSchema, Images } from "#proto/gen/images_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import type { LeaseService } from "../leases/leases.ts";
import { pathsOf, required, toDate } from "../protobuf.ts";
import type { Scope } from "../scope.ts";
import { scopeOf } from "../scope-metadata.ts";
import { fromDescriptor, toDescriptor } from "../wire-values.ts";
import type { ImageRecord, ImageStore } from "./images.ts";

interface ImageServerDeps {
  readonly images: ImageStore;
  readonly leases: LeaseService;
}

export function serveImages({ images, leases }: ImageServerDeps): ServedService {
  return serve(Images, {
    get: async ({ name }, call) => ({ image: toMessage(await images.get(scopeOf(call), name)) }),
    list: async ({ filters }, call) => ({
      images: (await images.list(scopeOf(call), filters)).map(toMessage),
    }),
    create: async ({ image }, call) => ({
      image: toMessage(await images.create(scopeOf(call), fromMessage(image))),
    }),
    update: async ({ image, updateMask }, call) => ({
      image: toMessage(await images.update(scopeOf(call), fromMessage(image), pathsOf(updateMask))),
    }),
    delete: async ({ name, sync }, call) => {
      const scope = scopeOf(call);
      await images.delete(scope, name);
      if (sync) await collectGarbage(leases, scope);
      return {};
    },
  });
}

/** The end of a lease is when a client may wait for a collection. */
async function collectGarbage(leases: LeaseService, { namespace }: Scope): Promise<void> {
  const id = `collect-${randomUUID()}`;
  await leases.create({ namespace }, id, {});
  await leases.delete({ namespace }, id, true);
}

function fromMessage(message: Image | undefined): Pick<ImageRecord, "name" | "target" | "labels"> {
  const { name, target, labels } = required(message, "image");
  return { name, target: fromDescriptor(target), labels };
}

const toMessage = (image: ImageRecord): MessageInitShape<typeof ImageSchema> => ({
  name: image.name,
  labels: { ...image.labels },
  target: toDescriptor(image.target),
  createdAt: toDate(image.createdAt),
  updatedAt: toDate(image.updatedAt),
});

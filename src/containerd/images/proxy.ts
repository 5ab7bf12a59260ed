import { type Image, Images } from "#proto/gen/images_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { dateOf, required } from "../protobuf.ts";
import { inScope } from "../scope-metadata.ts";
import { fromDescriptor, toDescriptor } from "../wire-values.ts";
import type { ImageRecord, ImageStore } from "./images.ts";

export function createImagesProxy(client: GrpcClient): ImageStore {
  const images = client.service(Images);
  return {
    get: async (scope, name) => decode((await images.get({ name }, inScope(scope))).image),
    list: async (scope, filters) =>
      (await images.list({ filters: [...filters] }, inScope(scope))).images.map(decode),
    create: async (scope, image) =>
      decode((await images.create({ image: encode(image) }, inScope(scope))).image),
    update: async (scope, image, fields) => {
      const request = { image: encode(image), updateMask: { paths: [...fields] } };
      return decode((await images.update(request, inScope(scope))).image);
    },
    delete: async (scope, name) => void (await images.delete({ name }, inScope(scope))),
  };
}

const encode = ({ name, target, labels }: Pick<ImageRecord, "name" | "target" | "labels">) => ({
  name,
  target: toDescriptor(target),
  labels: { ...labels },
});

function decode(message: Image | undefined): ImageRecord {
  const { name, target, labels, createdAt, updatedAt } = required(message, "image");
  return {
    name,
    target: fromDescriptor(target),
    labels,
    createdAt: dateOf(createdAt),
    updatedAt: dateOf(updatedAt),
  };
}

// Descriptors and mounts as containerd.types messages.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Descriptor as DescriptorMessage,
  DescriptorSchema,
  Mount as MountMessage,
  MountSchema,
} from "#proto/gen/containerd-types_pb.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { Mount } from "#spec/oci-runtime.ts";
import { required } from "./protobuf.ts";

export const toDescriptor = (descriptor: Descriptor): MessageInitShape<typeof DescriptorSchema> => ({
  mediaType: descriptor.mediaType,
  digest: descriptor.digest,
  size: BigInt(descriptor.size),
  annotations: { ...descriptor.annotations },
});

export function fromDescriptor(message: DescriptorMessage | undefined): Descriptor {
  const { mediaType, digest, size, annotations } = required(message, "descriptor");
  return {
    mediaType,
    digest,
    size: Number(size),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

export const toMounts = (mounts: readonly Mount[]): MessageInitShape<typeof MountSchema>[] =>
  mounts.map(({ type, source, destination, options }) => ({
    type: type ?? "",
    source: source ?? "",
    target: destination,
    options: [...(options ?? [])],
  }));

export const fromMounts = (messages: readonly MountMessage[]): readonly Mount[] =>
  messages.map(({ type, source, target, options }) => ({ destination: target, type, source, options }));

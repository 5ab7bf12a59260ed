// What a checkpoint is in containerd's messages: folders of this host, as runc's options name them. None is kept in the content store.

import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { unsupported } from "#base/errors.ts";
import type { Descriptor, DescriptorSchema } from "#proto/gen/containerd-types_pb.ts";
import { CheckpointOptionsSchema, OptionsSchema } from "#proto/gen/runc-options_pb.ts";
import type { CheckpointTaskRequest } from "#proto/gen/tasks_pb.ts";
import type { Checkpoint } from "#shim/shim.ts";
import type { AnyValue } from "../containers/containers.ts";
import { notImplemented } from "../failures.ts";
import { fromAny, isMessage, packMessage } from "../protobuf.ts";

/** Of our own client, whose options are the spec itself. */
const foldersType = "application/vnd.gantry.checkpoint.folders";

type Wanted = Checkpoint & { readonly leaveRunning: boolean };

export const encodeCheckpoint = ({ images, work, leaveRunning }: Wanted) =>
  packMessage(CheckpointOptionsSchema, { imagePath: images, workPath: work, exit: !leaveRunning });

export function decodeCheckpoint({ options, parentCheckpoint }: CheckpointTaskRequest): Wanted {
  const any = options === undefined ? { typeUrl: "", value: new Uint8Array() } : fromAny(options);
  const asked = isMessage(any, CheckpointOptionsSchema)
    ? fromBinary(CheckpointOptionsSchema, any.value)
    : create(CheckpointOptionsSchema);
  if (asked.imagePath === "") throw notImplemented("a checkpoint in the content store");
  const refused = Object.entries({
    ParentCheckpoint: parentCheckpoint !== "" || asked.parentPath !== "",
    OpenTcp: asked.openTcp,
    ExternalUnixSockets: asked.externalUnixSockets,
    Terminal: asked.terminal,
    FileLocks: asked.fileLocks,
    EmptyNamespaces: asked.emptyNamespaces.length > 0,
    CgroupsMode: asked.cgroupsMode !== "",
  }).find(([, given]) => given);
  if (refused !== undefined) throw unsupported(`checkpoint option ${refused[0]}`);
  return { images: asked.imagePath, work: asked.workPath || asked.imagePath, leaveRunning: !asked.exit };
}

export const encodeRestore = ({ images, work }: Checkpoint): MessageInitShape<typeof DescriptorSchema> => ({
  mediaType: foldersType,
  annotations: { images, work },
});

/** `options`: runc's may name the folders too. */
export function decodeRestore(
  descriptor: Descriptor | undefined,
  options: AnyValue | undefined,
): Checkpoint | undefined {
  if (descriptor !== undefined && descriptor.mediaType !== foldersType)
    throw notImplemented("restoring a checkpoint of the content store");
  if (descriptor !== undefined) {
    const { images = "", work = images } = descriptor.annotations;
    return { images, work };
  }
  if (options === undefined || !isMessage(options, OptionsSchema)) return undefined;
  const { criuImagePath: images, criuWorkPath } = fromBinary(OptionsSchema, options.value);
  return images === "" ? undefined : { images, work: criuWorkPath || images };
}

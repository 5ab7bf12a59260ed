// What a client may ask of the runtime.

import { fromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { OptionsSchema } from "#proto/gen/runc-options_pb.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import { notImplemented } from "../failures.ts";
import { fromAny, isMessage } from "../protobuf.ts";
import { readSpec, specType } from "./spec-document.ts";

/** Names that the native shim answers to: containerd's clients ask for runc's unless told otherwise. */
const ownRuntimes = ["io.containerd.runc.v2", "io.containerd.gantry.v1", ""];

/** Any other is an execution driver's, which the shims know or refuse. */
export const isDefaultRuntime = (name: string): boolean => ownRuntimes.includes(name);

/** Refuses runc's options that would change what the container is; our own client sends the spec itself. */
export function readRuntimeOptions(any: Any | undefined): Spec | undefined {
  if (any === undefined || any.typeUrl === "") return undefined;
  const options = fromAny(any);
  if (any.typeUrl === specType) return readSpec(options);
  if (!isMessage(options, OptionsSchema)) throw notImplemented(`runtime options of type ${any.typeUrl}`);
  const asked = fromBinary(OptionsSchema, any.value);
  const refused = Object.entries({
    NoPivotRoot: asked.noPivotRoot,
    ShimCgroup: asked.shimCgroup !== "",
    IoUid: asked.ioUid !== 0,
    IoGid: asked.ioGid !== 0,
    BinaryName: asked.binaryName !== "",
    SystemdCgroup: asked.systemdCgroup,
  }).find(([, given]) => given);
  if (refused !== undefined) throw notImplemented(`runtime option ${refused[0]}`);
  return undefined;
}

// What a client may ask of the runtime.

import { fromBinary } from "@bufbuild/protobuf";
import { unsupported } from "#base/errors.ts";
import { OptionsSchema } from "#proto/gen/runc-options_pb.ts";
import { runtimeOfProgram } from "#shim/runtime-name.ts";
import type { Spec } from "#spec/oci-runtime.ts";
import type { AnyValue } from "../containers/containers.ts";
import { isMessage } from "../protobuf.ts";
import { readSpec, specType } from "./spec-document.ts";

/** Names that the native shim answers to: containerd's clients ask for runc's unless told otherwise. */
const ownRuntimes = ["io.containerd.runc.v1", "io.containerd.runc.v2", "io.containerd.gantry.v1", ""];

/** Any other is an execution driver's, which the shims know or refuse. */
const isDefaultRuntime = (name: string): boolean => ownRuntimes.includes(name);

/** What dockerd calls its default runtime: the one that is here. */
const OWN_BINARY = "runc";

interface RuntimeChoice {
  /** Of our own client, which sends it with the task. */
  readonly spec?: Spec;
  /** Absent: libcontainer. */
  readonly runtime?: string;
}

/** `name` and `options` as they are with the container; a task may bring options of its own. Throws `unsupported` for runc's options that
 *  would change what the container is. Where runc is to keep its state (Root) is nothing to us: there is none. */
export function readRuntime(name: string, options: AnyValue | undefined): RuntimeChoice {
  const named = isDefaultRuntime(name) ? {} : { runtime: name };
  if (options === undefined || options.typeUrl === "") return named;
  if (options.typeUrl === specType) return { ...named, spec: readSpec(options) };
  if (!isMessage(options, OptionsSchema)) throw unsupported(`runtime options of type ${options.typeUrl}`);
  const asked = fromBinary(OptionsSchema, options.value);
  const refused = Object.entries({
    NoPivotRoot: asked.noPivotRoot,
    ShimCgroup: asked.shimCgroup !== "",
    IoUid: asked.ioUid !== 0,
    IoGid: asked.ioGid !== 0,
    SystemdCgroup: asked.systemdCgroup,
  }).find(([, given]) => given);
  if (refused !== undefined) throw unsupported(`runtime option ${refused[0]}`);
  const { binaryName } = asked;
  return binaryName === "" || binaryName === OWN_BINARY ? named : { runtime: runtimeOfProgram(binaryName) };
}

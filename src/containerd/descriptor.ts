// Descriptors as stored in the metadata database.

import { array, type Decoder, number, object, record, string } from "#base/decode.ts";
import type { Descriptor } from "#spec/oci-image.ts";

const decodePlatform = object(
  { architecture: string, os: string },
  { "os.version": string, "os.features": array(string), variant: string },
);

export const decodeDescriptor: Decoder<Descriptor> = object(
  { mediaType: string, digest: string, size: number },
  { urls: array(string), annotations: record(string), platform: decodePlatform },
);

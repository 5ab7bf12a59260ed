// What a network is to be, and what is kept of it.

import {
  boolean,
  type Decoded,
  type Decoder,
  integer,
  array as list,
  record as map,
  object,
  orNull,
  string,
} from "#base/decode.ts";
import type { SubnetSetting } from "./ipam/check-subnets.ts";

const decodeSubnet: Decoder<SubnetSetting> = object(
  { auxiliary: map(string) },
  { subnet: string, range: string, gateway: string, poolId: string, space: string },
);

const specFields = {
  name: string,
  driver: string,
  /** Of the driver. */
  options: map(string),
  labels: map(string),
  internal: boolean,
  attachable: boolean,
  enableIpv4: boolean,
  enableIpv6: boolean,
  ipam: object(
    {
      driver: string,
      /** null: none were given. */
      options: orNull(map(string)),
      /** As it was asked for. */
      config: list(decodeSubnet),
    },
    {},
  ),
  configOnly: boolean,
  /** Name of the network that the settings were taken from, or "". */
  configFrom: string,
};

const decodeNetworkSpec = object(specFields, {});
export type NetworkSpec = Decoded<typeof decodeNetworkSpec>;

export const isIpv6 = (address: string): boolean => address.includes(":");

export const decodeNetworkRecord = object(
  {
    ...specFields,
    id: string,
    /** Milliseconds since the epoch. */
    createdAt: integer,
    /** What the address management gave: asked for by name after a restart. */
    pools: list(decodeSubnet),
    /** What its driver must remember. */
    facts: map(string),
  },
  {},
);
export type NetworkRecord = Decoded<typeof decodeNetworkRecord>;

// What a network is to be, and what is kept of it.

import {
  boolean,
  type Decoded,
  integer,
  array as list,
  record as map,
  object,
  string,
} from "#base/decode.ts";

const decodePoolSpec = object(
  {
    /** "" leaves the choice to the address management. */
    subnet: string,
    /** Subnet within it that addresses are chosen from, or "". */
    range: string,
    /** Address, without its prefix length, or "". */
    gateway: string,
    /** Addresses that others have: name to address. */
    auxiliary: map(string),
  },
  {},
);
export type PoolSpec = Decoded<typeof decodePoolSpec>;

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
      options: map(string),
      /** As it was asked for. */
      config: list(decodePoolSpec),
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
    /** What the address management gave; a gateway of "" is none. */
    pools: list(decodePoolSpec),
    /** What its driver must remember. */
    facts: map(string),
  },
  {},
);
export type NetworkRecord = Decoded<typeof decodeNetworkRecord>;

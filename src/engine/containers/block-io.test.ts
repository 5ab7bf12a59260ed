import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { decodeHostConfig, type HostConfig } from "#spec/container-config.ts";
import { findThrottleChanges } from "./block-io.ts";
import { decodeUpdateRequest } from "./update.ts";

/** Any two block devices of the machine, whatever they are. */
const [first = "", second = ""] = readdirSync("/dev", { withFileTypes: true })
  .filter((entry) => entry.isBlockDevice())
  .map(({ name }) => `/dev/${name}`);
const skip = second === "" && "needs two block devices";

const before = decodeHostConfig(
  {
    BlkioDeviceReadBps: [
      { Path: first, Rate: 1 },
      { Path: "/dev/nosuch", Rate: 2 },
    ],
    BlkioDeviceWriteBps: [{ Path: first, Rate: 3 }],
  },
  "",
);

test("an update sets rates, and sets those back that it leaves out", { skip }, async () => {
  const rates = async (list: NonNullable<HostConfig["BlkioDeviceReadBps"]>) => {
    const request = { BlkioDeviceReadBps: list };
    const { throttleReadBpsDevice, ...others } = await findThrottleChanges(before, request);
    assert.deepEqual(others, {});
    return throttleReadBpsDevice?.map(({ rate }) => rate);
  };
  assert.deepEqual(await rates([{ Path: second, Rate: 9 }]), [0, 9]);
  assert.deepEqual(await rates([{ Path: first, Rate: 9 }]), [9]);
  assert.deepEqual(await rates([]), [0]);
  assert.deepEqual(await findThrottleChanges(before, { BlkioWeight: 20 }), {});
});

test("a rate for what is no block device is refused", async () => {
  const update = (Path: string) => findThrottleChanges(before, { BlkioDeviceReadIOps: [{ Path, Rate: 1 }] });
  await assert.rejects(update("/dev/nosuch"), { message: "stat /dev/nosuch: no such file or directory" });
  await assert.rejects(update("/dev/null"), { message: "/dev/null is not a block device" });
});

test("devices are part of an update since 1.55", () => {
  const body = { BlkioWeight: 20, BlkioDeviceReadBps: [], BlkioWeightDevice: null };
  assert.deepEqual(decodeUpdateRequest(body, 54), { BlkioWeight: 20 });
  assert.deepEqual(decodeUpdateRequest(body, 55), { BlkioWeight: 20, BlkioDeviceReadBps: [] });
});

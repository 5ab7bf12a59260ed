// Images that were committed from one another: the configuration of a child names the image below it.

import type { LocalImage } from "./local-image.ts";

type Relative = Pick<LocalImage, "config" | "id">;

export const hasChildren = (images: readonly Relative[], id: string): boolean =>
  images.some(({ config }) => config.parent === id);

export const parentOf = <T extends Relative>(images: readonly T[], { config }: Relative): T | undefined =>
  config.parent === undefined ? undefined : images.find(({ id }) => id === config.parent);

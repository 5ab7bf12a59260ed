// Images on this machine: their names, what is made, what goes.

import { testWalks } from "./walks.ts";

testWalks(["images", "images-names", "images-making", "images-removal"]);

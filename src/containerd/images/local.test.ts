import { openTestContainerd } from "../testing/test-containerd.ts";
import { imagesSuite } from "./images.suite.ts";

imagesSuite("local", () => openTestContainerd());

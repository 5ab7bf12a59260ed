import { openTestContainerd } from "../testing/test-containerd.ts";
import { contentSuite } from "./content.suite.ts";

contentSuite("local", () => openTestContainerd());

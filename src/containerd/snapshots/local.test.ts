import { openTestContainerd } from "../testing/test-containerd.ts";
import { snapshotterSuite } from "./snapshotter.suite.ts";

snapshotterSuite("local", () => openTestContainerd());

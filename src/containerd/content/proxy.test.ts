import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { contentSuite } from "./content.suite.ts";

contentSuite("proxy", openProxiedContainerd);

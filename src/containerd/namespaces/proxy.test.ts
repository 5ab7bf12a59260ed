import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { namespacesSuite } from "./namespaces.suite.ts";

namespacesSuite("proxy", openProxiedContainerd);

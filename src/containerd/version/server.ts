import { Version } from "#proto/gen/version_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import type { ContainerdServices } from "../services.ts";

export const serveVersion = (services: Pick<ContainerdServices, "version">): ServedService =>
  serve(Version, { version: () => services.version() });

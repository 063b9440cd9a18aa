import { fileURLToPath } from "node:url";

export default {
  // A path below /qlik is the tenant's and none of Next's business, slash at the end or not.
  skipTrailingSlashRedirect: true,
  // ../sample is outside of this folder.
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
};

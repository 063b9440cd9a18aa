/** The vendor's runtime modules inside the package `@qlik/api`: their file names carry a hash, so the build finds them. */
declare module "vendor:auth";
declare module "vendor:invoke-fetch";
declare module "vendor:qix" {
  import type { Doc, OpenAppSessionProps, QixAPI } from "@qlik/api/qix";

  export const openAppSession: QixAPI["openAppSession"];
  /** Runs once per app session, before its document is handed out. */
  export function addInitialAppAction(
    props: OpenAppSessionProps,
    action: (doc: Doc) => Promise<unknown>,
  ): () => void;
}

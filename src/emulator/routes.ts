import { interactiveLoginRoutes } from "./interactive-login.ts";
import { capabilityApiRoutes } from "./capability-api.ts";
import { pageRoutes } from "./pages.ts";
import { administrationRoutes } from "./rest/administration.ts";
import { appRoutes } from "./rest/apps.ts";
import { assistantRoutes } from "./rest/assistants.ts";
import { dataFileRoutes } from "./rest/data-files.ts";
import { lookRoutes } from "./rest/look.ts";
import { reportRoutes } from "./rest/reports.ts";
import { signedInRoutes } from "./rest/signed-in.ts";
import { tempContentRoutes } from "./rest/temp-contents.ts";
import type { Route } from "./router.ts";

/** Every route of the local tenant but for the login of its kind; the list of facts §13 and more. */
export const tenantRoutes: readonly Route[] = [
  ...interactiveLoginRoutes,
  ...signedInRoutes,
  ...appRoutes,
  ...reportRoutes,
  ...tempContentRoutes,
  ...dataFileRoutes,
  ...assistantRoutes,
  ...lookRoutes,
  ...administrationRoutes,
  ...pageRoutes,
  ...capabilityApiRoutes,
];

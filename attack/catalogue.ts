import type { Attack } from "./attack.ts";
import { brokenExchanges } from "./groups/broken-exchanges.ts";
import { crossSite } from "./groups/cross-site.ts";
import { framing } from "./groups/framing.ts";
import { clientHeaders } from "./groups/headers.ts";
import { headerValues } from "./groups/header-values.ts";
import { identities } from "./groups/identities.ts";
import { isolation } from "./groups/isolation.ts";
import { oddAnswers } from "./groups/odd-answers.ts";
import { pages } from "./groups/pages.ts";
import { paths } from "./groups/paths.ts";
import { routes } from "./groups/routes.ts";
import { slowRequests } from "./groups/slow-requests.ts";
import { upstreamHeaders } from "./groups/upstream-headers.ts";
import { websocketAnswers } from "./groups/websocket-answers.ts";
import { websocketDoors } from "./groups/websocket-doors.ts";
import { websocketFloods } from "./groups/websocket-floods.ts";

/** Every attack, in the order of the list that they are numbered by. */
export const catalogue: readonly Attack[] = [
  ...websocketDoors,
  ...websocketAnswers,
  ...websocketFloods,
  ...crossSite,
  ...paths,
  ...routes,
  ...clientHeaders,
  ...headerValues,
  ...upstreamHeaders,
  ...oddAnswers,
  ...framing,
  ...brokenExchanges,
  ...pages,
  ...slowRequests,
  ...identities,
  ...isolation,
];

/** What the letters of the lines stand for. */
export const groupNames: Readonly<Record<string, string>> = {
  W: "WebSocket",
  C: "cross-site",
  P: "paths and routes",
  H: "headers",
  M: "message framing",
  U: "redirects of the upstream",
  B: "slow requests",
  D: "floods",
  A: "identity",
  X: "isolation",
  R: "redirects and pages",
};

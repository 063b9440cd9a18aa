/** Rows of facts §11 that nobody can see from here, and who can. */
export const unseen: readonly { readonly row: string; readonly what: string; readonly why: string }[] = [
  {
    row: "1",
    what: "login loops where third-party cookies are blocked",
    why: "only without a proxy: it is what this one is for",
  },
  {
    row: "8",
    what: "sockets to `wss://localhost/<tenant>/…`",
    why: "a mistake in the page: host without scheme, prefix `/`",
  },
  {
    row: "15",
    what: "users see each other's selections",
    why: "a question of subjects: the step `claims` shows the one that is sent",
  },
  {
    row: "16",
    what: "1009, the app is open in another mode",
    why: "a mistake in the page: another identity for each mode",
  },
  { row: "18", what: "licences multiply", why: "seen in the tenant alone, after a change of subjects" },
  {
    row: "23",
    what: "downloads are cut or slow",
    why: "this proxy streams; look at buffering in the front door",
  },
  {
    row: "24",
    what: "sockets die after a minute without use",
    why: "takes that minute: `doctor --learn` watches a socket for it",
  },
  {
    row: "25",
    what: "a frame is refused",
    why: "`frameAncestors` decides; `explain` shows the policy of a page",
  },
  { row: "26", what: "impersonation: no such user", why: "OAuth, which this proxy does not use" },
  {
    row: "27",
    what: "client-managed: too many sessions",
    why: "Qlik Sense on Windows, which this version does not serve",
  },
  {
    row: "29",
    what: "selections are lost after a deploy",
    why: "this proxy closes with 4003; look for front doors that cut sockets",
  },
];

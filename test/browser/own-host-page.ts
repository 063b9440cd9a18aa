// The clients of the page on `portal.…`: the vendor's, which the test bundles as an app would, and the helper of ours.
import * as auth from "@qlik/api/auth";
import * as items from "@qlik/api/items";
import { openAppSession } from "@qlik/api/qix";
import * as tempContents from "@qlik/api/temp-contents";
import * as users from "@qlik/api/users";
import { registerQlikSessionProxy, watchSession } from "../../src/browser.ts";

Object.assign(globalThis, {
  auth,
  items,
  openAppSession,
  tempContents,
  users,
  watchSession,
  // As a page writes it, so that the compiler compares our module with what the vendor's client asks for.
  register: () => registerQlikSessionProxy(auth.registerAuthModule),
  configure: (host: string) => auth.setDefaultHostConfig({ host, authType: "qlik-session-proxy" }),
});

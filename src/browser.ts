/** For pages of the app: the session as the page sees it, and the auth module for a proxy on a host of its own. */
export {
  authType,
  createAuthModule,
  registerQlikSessionProxy,
  type AuthModule,
  type AuthModuleHost,
} from "./browser/auth-module.ts";
export {
  watchSession,
  type QlikSession,
  type SessionError,
  type SessionEvents,
  type SessionStatus,
} from "./browser/session-watch.ts";

import { getIronSession } from "iron-session";

/** The host session: of the `cookies()` of Next, or of a web request and a response. */
export const openSession = (...from) =>
  getIronSession(...from, {
    cookieName: "portal_session",
    // Set by server.js: this file is bundled for pages and routes, and read as it is by the custom server.
    password: process.env.SESSION_SECRET,
    // Where browsers come over HTTPS, leave this out.
    cookieOptions: { secure: false },
  });

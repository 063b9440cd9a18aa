import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { sampleUsers } from "../emulator/users.ts";
import { onlyCookie } from "../http/request-cookies.ts";
import type { Identity } from "../identity/identity.ts";

/**
 * A person: who the host application would say it is, or the subject alone. The sample users of the local tenant come with
 * their names, e-mail addresses and groups.
 */
export type TestUser = string | Identity;

/** A cookie that says who somebody is, for a client that keeps cookies. */
export interface SignedInCookie {
  readonly name: string;
  readonly value: string;
}

/** The whole identity of a person. */
export function toIdentity(user: TestUser): Identity {
  if (typeof user !== "string") return user;
  return sampleUsers.find(({ subject }) => subject === user) ?? { subject: user, name: user, email: user };
}

/** People who are signed in without a sign-in: a cookie that only this process makes, and reads. */
export interface TestUsers {
  cookie(user: TestUser): SignedInCookie;
  /** Who the cookie of a request names; null where there is none of ours. */
  identify(request: IncomingMessage): Identity | null;
}

const cookieName = "qsp-test-user";

/** Creates signed-in people; no other instance takes their cookies. */
export function createTestUsers(): TestUsers {
  const key = randomBytes(32);
  const seal = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  return {
    cookie(user) {
      const text = Buffer.from(JSON.stringify(toIdentity(user))).toString("base64url");
      return { name: cookieName, value: `${text}.${seal(text).toString("base64url")}` };
    },
    identify(request) {
      const [text = "", given = ""] = onlyCookie(request.rawHeaders, cookieName)?.split(".") ?? [];
      const sealed = seal(text);
      const named = Buffer.from(given, "base64url");
      if (named.length !== sealed.length || !timingSafeEqual(named, sealed)) return null;
      return JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Identity;
    },
  };
}

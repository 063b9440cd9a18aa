import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { parseCookie } from "cookie";
import express from "express";
import { jwtVerify, SignJWT } from "jose";
import { createSessionProxy } from "../../../src/index.ts";

const key = new TextEncoder().encode("a secret of the host's own, long enough for all");

const identify = async ({ headers }) => {
  const { portal = "" } = parseCookie(headers.cookie ?? "");
  // What is expired or forged is nobody: an error would be answered 500.
  const verified = await jwtVerify(portal, key, { algorithms: ["HS256"] }).catch(() => null);
  if (verified === null) return null;
  const { sub, jti, exp } = verified.payload;
  return { subject: sub, sessionId: jti, expiresAt: exp * 1000 };
};

export async function open(options) {
  const app = express();
  const server = createServer(app);
  const qlik = createSessionProxy({ ...options, identify });
  app.use(qlik);
  qlik.attach(server);

  app.post("/sign-in", async (request, response) => {
    const token = await new SignJWT()
      .setSubject(request.query.as)
      .setJti(randomUUID())
      .setExpirationTime("1h")
      .setProtectedHeader({ alg: "HS256" })
      .sign(key);
    response.cookie("portal", token, { httpOnly: true, sameSite: "lax" }).end();
  });
  return { server, close: () => qlik.close() };
}

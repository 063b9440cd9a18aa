import "reflect-metadata";
import { randomBytes } from "node:crypto";
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Header,
  Module,
  Post,
  Redirect,
  Req,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { Request } from "express";
import session from "express-session";
import { createSessionProxy } from "qlik-session-proxy";
import { chartPage, people, signInPage } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";

declare module "express-session" {
  interface SessionData {
    person: string;
  }
}

const sessions = session({
  name: "portal_session",
  secret: process.env["SESSION_SECRET"] ?? randomBytes(32).toString("base64"),
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax", secure: "auto" },
});

const qlik = createSessionProxy({
  ...proxyOptions,
  identify: ({ session: host }: Request) =>
    host?.person ? { ...people[host.person], sessionId: host.id } : null,
});

@Controller()
class PortalController {
  @Get()
  @Header("Cache-Control", "no-store")
  home(@Req() { session: host }: Request): string {
    return host.person ? chartPage(people[host.person]) : signInPage;
  }

  @Post("sign-in")
  @Redirect("/", 303)
  async signIn(@Req() request: Request, @Body("person") person: unknown): Promise<void> {
    if (typeof person !== "string" || !Object.hasOwn(people, person)) throw new BadRequestException();
    await new Promise((done) => request.session.regenerate(done));
    request.session.person = person;
  }

  @Post("sign-out")
  @Redirect("/", 303)
  async signOut(@Req() request: Request): Promise<void> {
    // The portal forgets them, whether that went well or not.
    try {
      await qlik.logout(request);
    } finally {
      await new Promise((done) => request.session.destroy(done));
    }
  }
}

@Module({ controllers: [PortalController] })
class PortalModule {}

const app = await NestFactory.create(PortalModule, { logger: ["warn", "error"] });
app.use(sessions);
// Before init() and listen(), which add the body parsers.
app.use(qlik);
const server = await app.listen(port, "127.0.0.1");
qlik.attach(server, { before: [sessions] });
announce(server);

import { SessionProxyError } from "../../src/errors.ts";
import { firstHeader } from "../../src/http/raw-headers.ts";
import { csrfCookie, sessionCookie } from "../../src/tenant/cloud-jwt/cookies.ts";
import type { TenantAnswer, TenantCall, TenantRequest } from "../../src/tenant/port.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";

/** The truth about one session of the tenant. Times are virtual. */
export interface TenantRecord {
  readonly id: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly flight: LoginFlight;
  readonly madeAt: number;
  endedAt: number | null;
  /** Whether a node asked to end it, and the tenant did not hear it. */
  logoutFailed: boolean;
}

/** One request for a login, from its sending to its answer. */
export interface LoginFlight {
  readonly key: string;
  readonly subject: string;
  readonly by: SimulatedProcess;
  readonly sentAt: number;
  /** When the node learned the outcome; null while it has not. */
  settledAt: number | null;
  /** Whether the node had the cookies in the end. */
  succeeded: boolean;
}

/** How the tenant feels at the moment. */
export interface TenantWeather {
  /** The part of the requests that fail: refused, broken off before or after the work, or never answered. */
  failing: number;
  /** The part of the logins that are answered with 429. */
  throttling: number;
  /** The longest that a login takes. Milliseconds. */
  slowestLogin: number;
}

/** How one request goes: whether the tenant does the work, and what the node hears of it. */
type Course = { readonly works: boolean; readonly hears: "answer" | "502" | "break" | "nothing" };

const failures: readonly [Course, ...Course[]] = [
  { works: false, hears: "502" },
  { works: false, hears: "break" },
  { works: false, hears: "nothing" },
  { works: true, hears: "502" },
  { works: true, hears: "break" },
  { works: true, hears: "nothing" },
];

/** What the simulated tenant is made from. */
export interface SimulatedTenantOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  /** A node has sent a login. */
  readonly loginSent: (flight: LoginFlight) => void;
}

/** Qlik Cloud as far as sessions go, and the truth about every one of them. facts §2 */
export class SimulatedTenant {
  readonly weather: TenantWeather = { failing: 0, throttling: 0, slowestLogin: 300 };
  readonly records: Map<string, TenantRecord> = new Map();
  readonly flights: LoginFlight[] = [];
  /** Subjects that have no licence at the moment. */
  readonly refused: Set<string> = new Set();
  readonly #options: SimulatedTenantOptions;

  constructor(options: SimulatedTenantOptions) {
    this.#options = options;
  }

  /** The tenant as one process reaches it for a session key. */
  callFor(process: SimulatedProcess, key: string): TenantCall {
    return (request) => {
      if (request.path !== "/login/jwt-session")
        return this.#call(process, request, () => this.#answer(request));
      const claims = claimsOf(request);
      const flight: LoginFlight = {
        key,
        subject: claims.sub,
        by: process,
        sentAt: this.#options.scheduler.now,
        settledAt: null,
        succeeded: false,
      };
      this.flights.push(flight);
      this.#options.loginSent(flight);
      return this.#call(process, request, () => this.#login(flight, claims.groups ?? []), flight);
    };
  }

  /** A request of a browser that a node passes on: the session that it reached, or null for a 401. */
  serve(process: SimulatedProcess, cookie: string): Promise<TenantRecord | null> {
    return new Promise((resolve) => {
      this.#options.scheduler.after(this.#way(), () => {
        const record = this.recordOf(cookie);
        const answer = record?.endedAt === null ? record : null;
        process.deliver(this.#way(), () => resolve(answer));
      });
    });
  }

  /** The session that a cookie header names, living or not. */
  recordOf(cookie: string): TenantRecord | undefined {
    const id = new RegExp(`(?:^|; )${sessionCookie}=([^;]+)`).exec(cookie)?.[1];
    return id === undefined ? undefined : this.records.get(id);
  }

  /** Ends a session as an administrator or a limit of the tenant does. */
  expire(record: TenantRecord): void {
    this.#end(record, "expired by the tenant");
  }

  #call(
    process: SimulatedProcess,
    request: TenantRequest,
    work: () => TenantAnswer,
    flight: LoginFlight | null = null,
  ): Promise<TenantAnswer> {
    const { scheduler, random, trace } = this.#options;
    const course = this.#course();
    const slow = flight ? random.between(0, this.weather.slowestLogin) : 0;
    trace.note(
      process.name,
      () => `asks the tenant ${request.path}${course.hears === "answer" ? "" : " in vain"}`,
    );
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (how: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        if (flight) flight.settledAt = scheduler.now;
        how();
      };
      const refuse = (code: "QSP-TIMEOUT" | "QSP-UPSTREAM"): void =>
        settle(() => reject(new SessionProxyError(code)));
      const cancel = process.clock.setTimer(request.timeout, () => refuse("QSP-TIMEOUT"));
      scheduler.after(this.#way() + slow, () => {
        const answer = course.works ? work() : null;
        if (!course.works && request.path === "/logout") this.#logoutFailed(request);
        if (course.hears === "nothing") return;
        process.deliver(this.#way(), () => {
          cancel();
          if (course.hears === "break") return refuse("QSP-UPSTREAM");
          if (course.hears === "502" || answer === null) return settle(() => resolve(answerOf(502)));
          return settle(() => {
            if (flight) flight.succeeded = answer.status < 300;
            resolve(answer);
          });
        });
      });
    });
  }

  #login(flight: LoginFlight, groups: readonly string[]): TenantAnswer {
    const { random, scheduler, trace } = this.#options;
    if (this.refused.has(flight.subject)) return answerOf(403);
    if (random.chance(this.weather.throttling)) return answerOf(429, ["retry-after", "2"]);
    const id = `t${this.records.size + 1}`;
    const madeAt = scheduler.now;
    const { subject } = flight;
    this.records.set(id, { id, subject, groups, flight, madeAt, endedAt: null, logoutFailed: false });
    trace.note("tenant", () => `makes ${id} for ${subject} asked by ${flight.by.name}`);
    return answerOf(200, [
      "set-cookie",
      `${sessionCookie}=${id}; Path=/; Secure; HttpOnly`,
      "set-cookie",
      `${csrfCookie}=csrf-${id}; Path=/; Secure`,
    ]);
  }

  #answer(request: TenantRequest): TenantAnswer {
    const record = this.recordOf(firstHeader(request.headers, "cookie") ?? "");
    if (record?.endedAt !== null) return answerOf(401);
    if (request.path === "/logout") this.#end(record, "ended by a node");
    return request.path === "/api/v1/csrf-token"
      ? answerOf(204, ["qlik-csrf-token", `csrf-${record.id}`])
      : answerOf(200);
  }

  #end(record: TenantRecord, how: string): void {
    if (record.endedAt !== null) return;
    record.endedAt = this.#options.scheduler.now;
    this.#options.trace.note("tenant", () => `${record.id} of ${record.subject} is ${how}`);
  }

  #logoutFailed(request: TenantRequest): void {
    const record = this.recordOf(firstHeader(request.headers, "cookie") ?? "");
    if (record) record.logoutFailed = true;
  }

  #course(): Course {
    const { random } = this.#options;
    return random.chance(this.weather.failing) ? random.pick(failures) : { works: true, hears: "answer" };
  }

  /** Milliseconds of one way. */
  #way(): number {
    return this.#options.random.between(5, 40);
  }
}

const answerOf = (status: number, headers: readonly string[] = []): TenantAnswer => ({
  status,
  headers,
  body: Buffer.alloc(0),
});

/** What the assertion of a login says. */
function claimsOf(request: TenantRequest): { readonly sub: string; readonly groups?: readonly string[] } {
  const payload = firstHeader(request.headers, "authorization")?.split(".")[1] ?? "";
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { sub: string; groups?: string[] };
}

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import type * as OpenTelemetry from "@opentelemetry/api";
import type { ProxyEvent } from "../kernel/channels.ts";

type Api = typeof OpenTelemetry;

/** How something ended that a span tells of. */
export interface SpanEnd {
  readonly status: number;
  /** Of the table of errors, where the answer is ours. */
  readonly code?: string | undefined;
}

/** A span around one request or handshake. */
export interface ExchangeSpan {
  /** Of its trace: the log has the same. */
  readonly traceId: string;
  /** What the tenant is told of the trace, in the place of what the client said: names and values in turn. W3C Trace Context §3 */
  readonly headers: readonly string[];
  /** Does work of which further spans belong below this one. */
  run<T>(work: () => T): T;
  /** The origin of the tenant, where that was not known at the beginning. */
  sentTo(tenantOrigin: string): void;
  end(end: SpanEnd): void;
}

/** Where there was no tracer, it is looked for again after this. Milliseconds. */
const lookEvery = 1000;

/**
 * Makes spans where the host has OpenTelemetry's API and a tracer behind it. Without the API nothing is loaded; without a
 * tracer nothing is changed, and what a client says of its trace goes on to the tenant as it came.
 */
export class Tracing {
  readonly #tenantOrigin: string;
  readonly #tenantHost: string;
  readonly #now: () => number;
  readonly #listener = (message: unknown): void => this.#hear(message as ProxyEvent);
  #api: Api | null = null;
  #isClosed = false;
  #lookAgainAt = 0;

  constructor(tenantOrigin: string, now: () => number) {
    this.#tenantOrigin = tenantOrigin;
    this.#tenantHost = new URL(tenantOrigin).hostname;
    this.#now = now;
    void this.#load();
  }

  /**
   * Begins a span of a class of routes, never of a path or a person; null where nobody would see it. `at` is now.
   *
   * Earned by: bench 200B. The API without a tracer is on many machines, and a span that nobody sees costs 1.4 µs.
   */
  begin(request: IncomingMessage, route: string, at: number): ExchangeSpan | null {
    if (this.#api === null || at < this.#lookAgainAt) return null;
    const span = unharmed(this.#api, (api) => this.#begin(api, request, route)) ?? null;
    if (span === null) this.#lookAgainAt = at + lookEvery;
    return span;
  }

  close(): void {
    this.#isClosed = true;
    unsubscribe("qsp:login", this.#listener);
  }

  async #load(): Promise<void> {
    try {
      const api = await import("@opentelemetry/api");
      if (this.#isClosed) return;
      this.#api = api;
      subscribe("qsp:login", this.#listener);
    } catch {
      // The host has none.
    }
  }

  #begin(api: Api, request: IncomingMessage, route: string): ExchangeSpan | null {
    const { context, trace, SpanKind, SpanStatusCode } = api;
    const active = context.active();
    const parent = trace.getSpan(active) === undefined ? parentOf(api, request) : active;
    const span = trace.getTracer("qlik-session-proxy").startSpan(
      `qlik ${route}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          "http.request.method": request.method ?? "GET",
          "server.address": this.#tenantHost,
          "qsp.route": route,
        },
      },
      parent,
    );
    const spanContext = span.spanContext();
    if (!api.isSpanContextValid(spanContext)) return null;
    return {
      traceId: spanContext.traceId,
      headers: headersOf(spanContext),
      run: (work) => context.with(trace.setSpan(parent, span), work),
      sentTo: (tenantOrigin) =>
        unharmed(api, () => span.setAttribute("server.address", new URL(tenantOrigin).hostname)),
      end: ({ status, code }) =>
        unharmed(api, () => {
          span.setAttribute("http.response.status_code", status);
          if (code !== undefined) span.setAttribute("error.type", code);
          if (code !== undefined || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        }),
    };
  }

  /** A login is told of when it is over, in the course of the request that waits for it. */
  #hear({ event, tenant, ms = 0, code }: ProxyEvent): void {
    if (event !== "login.succeeded" && event !== "login.refused") return;
    if (this.#api === null || tenant !== this.#tenantOrigin) return;
    const now = this.#now();
    unharmed(this.#api, ({ trace, SpanKind, SpanStatusCode }) => {
      const attributes = { "server.address": this.#tenantHost };
      const span = trace
        .getTracer("qlik-session-proxy")
        .startSpan("qlik login", { kind: SpanKind.CLIENT, startTime: now - ms, attributes });
      if (code !== undefined) span.setAttribute("error.type", code).setStatus({ code: SpanStatusCode.ERROR });
      span.end(now);
    });
  }
}

/** What the host has put behind the API may throw; no request fails of it. */
function unharmed<T>(api: Api, work: (api: Api) => T): T | undefined {
  try {
    return work(api);
  } catch {
    return undefined;
  }
}

/** `version-traceid-parentid-flags`; a version that we do not know is read as far as this one goes. W3C Trace Context §3.2 */
const traceParent = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** Where the host has begun no span of its own, the trace is the client's, if it has one. */
function parentOf(api: Api, { headers }: IncomingMessage): OpenTelemetry.Context {
  const { context, trace, createTraceState, isSpanContextValid } = api;
  const { traceparent, tracestate } = headers;
  const [, traceId = "", spanId = "", flags = "0"] = traceParent.exec(String(traceparent ?? "")) ?? [];
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  if (!isSpanContextValid(spanContext)) return context.active();
  const state = typeof tracestate === "string" ? { traceState: createTraceState(tracestate) } : {};
  return trace.setSpanContext(context.active(), { ...spanContext, ...state });
}

function headersOf({
  traceId,
  spanId,
  traceFlags,
  traceState,
}: OpenTelemetry.SpanContext): readonly string[] {
  const flags = traceFlags.toString(16).padStart(2, "0");
  const state = traceState?.serialize() ?? "";
  const parent = ["traceparent", `00-${traceId}-${spanId}-${flags}`];
  return state === "" ? parent : [...parent, "tracestate", state];
}

/** Puts what a span says of its trace in the place of what the client said. */
export function withTrace<Prepared extends { readonly headers: readonly string[] }>(
  prepared: Prepared,
  span: Pick<ExchangeSpan, "headers"> | null,
): Prepared {
  if (span === null) return prepared;
  const headers: string[] = [];
  for (let index = 0; index + 1 < prepared.headers.length; index += 2) {
    const name = prepared.headers[index] ?? "";
    const lower = name.toLowerCase();
    if (lower !== "traceparent" && lower !== "tracestate")
      headers.push(name, prepared.headers[index + 1] ?? "");
  }
  headers.push(...span.headers);
  return Object.freeze({ ...prepared, headers: Object.freeze(headers) });
}

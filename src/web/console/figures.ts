import { asAge, asDuration, asNumber, element, part } from "./page.ts";
import type { ConsoleState, Point } from "./state.ts";

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly more: string;
  readonly isBad?: boolean;
}

/** The last value that is not empty, of the last minute. */
const latest = (points: readonly Point[], of: (point: Point) => number | null): number | null =>
  points
    .slice(-30)
    .map(of)
    .findLast((value) => value !== null) ?? null;

const sum = (values: readonly number[] = []): number => values.reduce((total, value) => total + value, 0);

function figuresOf({ stats, pointEvery }: ConsoleState, points: readonly Point[]): readonly Figure[] {
  const last = points.at(-1);
  const { upstream } = stats;
  const reused = upstream.requests === 0 ? null : 1 - upstream.opened / upstream.requests;
  const errors = sum(last?.errors);
  const perMinute = sum(points.slice(-Math.ceil(60_000 / pointEvery)).map(({ logins }) => logins));
  return [
    { name: "Sessions", value: asNumber(stats.sessions), more: "that this server has at hand" },
    { name: "WebSockets", value: asNumber(stats.sockets), more: "open" },
    { name: "Requests", value: `${asNumber(sum(last?.requests))}/s`, more: `${stats.inFlight} under way` },
    { name: "Errors", value: `${asNumber(errors)}/s`, more: "status 400 and above", isBad: errors > 0 },
    {
      name: "Tenant",
      value: asDuration(latest(points, ({ tenant95 }) => tenant95)),
      more: "95 of 100 answers begin within",
    },
    {
      name: "Login",
      value: asDuration(latest(points, ({ login95 }) => login95)),
      more: `${asNumber(perMinute)} in the last minute`,
    },
    {
      name: "Connections",
      value: reused === null ? "–" : `${Math.floor(reused * 100)} %`,
      more: `used again; ${upstream.connections} open`,
    },
  ];
}

/** Writes down how it stands. */
export function showFigures(state: ConsoleState, points: readonly Point[]): void {
  part("tenant").textContent = state.tenant;
  const readiness = part("readiness");
  readiness.textContent = state.readiness;
  readiness.dataset["ready"] = String(state.readiness === "ready");
  part("figures").replaceChildren(
    ...figuresOf(state, points).map(({ name, value, more, isBad = false }) => {
      const shown = element("dd", "value", value);
      if (isBad) shown.dataset["state"] = "bad";
      return element("div", "", element("dt", "", name), shown, element("dd", "more", more));
    }),
  );
  const { memory, cpu } = state.process;
  const up = state.now - state.startedAt;
  const share = (cpu * 100_000) / Math.max(1, up);
  part("process").textContent =
    `Up for ${asAge(up)} · ${asNumber(memory / 1_048_576)} MiB of memory · ${asNumber(share)} % of a core since the start`;
}

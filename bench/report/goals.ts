import type { SessionFigure } from "../loads/sessions.ts";
import { type Figure, median } from "../rounds.ts";

/** What one load must come to. */
interface Goal {
  readonly title: string;
  readonly stage: string;
  readonly load: string;
  readonly must: readonly Limit[];
  readonly stretch: readonly Limit[];
}

/** At most so many times what another needs, or so much by itself. */
interface Limit {
  readonly against: "nginx" | "http-proxy" | "go" | "KiB" | "peak MiB";
  readonly atMost: number;
}

const limit = (against: Limit["against"], atMost: number): Limit => ({ against, atMost });

const small = {
  must: [limit("http-proxy", 0.5), limit("nginx", 4)],
  stretch: [limit("http-proxy", 0.3), limit("nginx", 2.5)],
};
const large = { must: [limit("http-proxy", 1), limit("nginx", 1.7)], stretch: [limit("nginx", 0.5)] };
const overTls = {
  must: [limit("http-proxy", 0.55), limit("nginx", 4.5)],
  stretch: [limit("http-proxy", 0.4), limit("nginx", 3.3)],
};

/** By the names of the loads, so that what is asked of a size is asked of it in every form. */
const goals: readonly Goal[] = [
  ...["200B", "200B-json", "10KB", "10KB-json"].map((load) => ({
    title: `${load}, plain`,
    stage: "plain",
    load,
    ...small,
  })),
  {
    title: "200B, plain, beside Go's ReverseProxy",
    stage: "plain",
    load: "200B",
    must: [limit("go", 1)],
    stretch: [limit("go", 0.5)],
  },
  ...["1MB", "50MB"].map((load) => ({ title: `${load}, plain`, stage: "plain", load, ...large })),
  ...["200B", "200B-json", "10KB", "10KB-json", "1MB", "50MB"].map((load) => ({
    title: `${load}, TLS`,
    stage: "tls",
    load,
    ...overTls,
  })),
  {
    title: "socket, echo of 200 B",
    stage: "live",
    load: "echo",
    must: [limit("nginx", 1.8), limit("http-proxy", 0.8)],
    stretch: [limit("nginx", 1.6)],
  },
  {
    title: "socket, 1 MiB",
    stage: "live",
    load: "stream",
    must: [limit("nginx", 1.1)],
    stretch: [limit("nginx", 0.8)],
  },
  {
    title: "idle socket",
    stage: "live",
    load: "idle-sockets",
    must: [limit("KiB", 14)],
    stretch: [limit("KiB", 9)],
  },
  {
    title: "socket opened and closed",
    stage: "live",
    load: "handshakes",
    must: [limit("nginx", 3.5)],
    stretch: [limit("nginx", 3)],
  },
  {
    title: "memory, 4 x 50 MB down",
    stage: "plain",
    load: "50MB",
    must: [limit("peak MiB", 150)],
    stretch: [limit("peak MiB", 120)],
  },
];

/** One line of the table of goals. */
export interface GoalRow {
  readonly title: string;
  readonly measured: string;
  readonly must: string;
  readonly isMustReached: string;
  readonly stretch: string;
  readonly isStretchReached: string;
}

/** Compares our figures with what they must come to. */
export function goalRows(figures: readonly Figure[], sessions: readonly SessionFigure[]): GoalRow[] {
  const rows = goals.map((goal): GoalRow => {
    const measured = [...new Set([...goal.must, ...goal.stretch].map(({ against }) => against))].map(
      (against) => [against, valueOf(goal, against, figures)] as const,
    );
    const known = measured.filter(([, value]) => value !== undefined);
    const values = new Map(measured);
    return {
      title: goal.title,
      measured: known.map(([against, value]) => inWords(against, value ?? 0)).join(", ") || "–",
      must: goal.must.map(limitInWords).join(", "),
      isMustReached: verdict(goal.must, values),
      stretch: goal.stretch.map(limitInWords).join(", "),
      isStretchReached: verdict(goal.stretch, values),
    };
  });
  return [...rows, sessionsRow(sessions), gatesRow(figures)];
}

/** How much more the most sessions may cost than the fewest: figures closer than that are a tie on a machine like ours. */
const flat = 1.25;

/** Whether a request and a session cost the same however many sessions there are. */
function sessionsRow(sessions: readonly SessionFigure[]): GoalRow {
  const [fewest, most] = [sessions[0], sessions.at(-1)];
  const row = {
    title: "many sessions: a request, and the memory of each",
    must: `≤ ${flat} × with few`,
  };
  const blank = { stretch: "", isStretchReached: "" };
  if (!fewest || !most || fewest === most)
    return { ...row, ...blank, measured: "–", isMustReached: "not measured" };
  const grown = [most.few.cpu / most.alone.cpu, most.heap / fewest.heap];
  return {
    ...row,
    ...blank,
    measured: `${grown.map((each) => each.toFixed(2)).join(" × and ")} × with ${most.sessions}`,
    isMustReached: grown.every((each) => each <= flat) ? "reached" : "not reached",
  };
}

function gatesRow(figures: readonly Figure[]): GoalRow {
  const own = figures.filter(({ contender }) => contender === "ours");
  const failed = own.filter(({ failure }) => failure !== undefined);
  return {
    title: "gates: every byte, every cookie, no error, nothing stalled",
    measured: `${failed.length} of ${own.length} loads failed`,
    must: "0 failed",
    isMustReached: own.length === 0 ? "not measured" : failed.length === 0 ? "reached" : "not reached",
    stretch: "",
    isStretchReached: "",
  };
}

/** How we compare; undefined where one of both was not measured. */
function valueOf(
  { stage, load }: Goal,
  against: Limit["against"],
  figures: readonly Figure[],
): number | undefined {
  const samplesOf = (contender: string): Figure["samples"] | undefined => {
    const found = figures.find(
      (each) => each.contender === contender && each.load.stage === stage && each.load.name === load,
    );
    return found && found.samples.length > 0 ? found.samples : undefined;
  };
  const ours = samplesOf("ours");
  if (!ours) return undefined;
  const cost = median(ours.map((sample) => sample.cost));
  if (against === "KiB") return cost;
  if (against === "peak MiB") return Math.max(...ours.map(({ peak }) => peak)) / 1024;
  const theirs = samplesOf(against);
  return theirs && cost / median(theirs.map((sample) => sample.cost));
}

function verdict(limits: readonly Limit[], values: ReadonlyMap<string, number | undefined>): string {
  const met = limits.map(({ against, atMost }) => {
    const value = values.get(against);
    return value === undefined ? undefined : value <= atMost;
  });
  if (met.includes(false)) return "not reached";
  return met.includes(undefined) ? "not measured" : "reached";
}

const inWords = (against: Limit["against"], value: number): string =>
  against === "KiB" || against === "peak MiB"
    ? `${value.toFixed(1)} ${against}`
    : `${value.toFixed(2)} × ${against}`;

const limitInWords = ({ against, atMost }: Limit): string =>
  against === "KiB" || against === "peak MiB" ? `≤ ${atMost} ${against}` : `≤ ${atMost} × ${against}`;

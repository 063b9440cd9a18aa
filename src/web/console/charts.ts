import uPlot from "uplot";
import { asDuration, asNumber, asSize, asTime, element, part } from "./page.ts";
import type { Point } from "./state.ts";

/** A line of a chart. */
interface Line {
  readonly name: string;
  /** The custom property of the style that holds its colour. */
  readonly color: string;
  readonly of: (point: Point) => number | null;
}

interface ChartOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** What is seldom is shown as points with lines between them. */
  readonly isSparse?: boolean;
}

const height = 170;

/** What is shown at least, however young the process is. Seconds. */
const leastSpan = 120;

const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function byClass(classes: readonly string[], of: (point: Point) => readonly number[]): readonly Line[] {
  return classes.map((name, index) => ({ name, color: name, of: (point) => of(point)[index] ?? 0 }));
}

const chartsFor = (classes: readonly string[]): readonly ChartOptions[] => [
  {
    title: "Requests per second, by class",
    lines: byClass(classes, ({ requests }) => requests),
    format: asNumber,
  },
  {
    title: "Errors per second, by class",
    lines: byClass(classes, ({ errors }) => errors),
    format: asNumber,
  },
  {
    title: "Until the tenant's answer begins",
    lines: [
      { name: "half", color: "rest", of: ({ tenant50 }) => tenant50 },
      { name: "95 of 100", color: "page", of: ({ tenant95 }) => tenant95 },
    ],
    format: asDuration,
    isSparse: true,
  },
  {
    title: "Logins at the tenant",
    lines: [
      { name: "half", color: "rest", of: ({ login50 }) => login50 },
      { name: "95 of 100", color: "page", of: ({ login95 }) => login95 },
    ],
    format: asDuration,
    isSparse: true,
  },
  {
    title: "Sessions and WebSockets",
    lines: [
      { name: "sessions", color: "own", of: ({ sessions }) => sessions },
      { name: "WebSockets", color: "engine", of: ({ sockets }) => sockets },
    ],
    format: asNumber,
  },
  {
    title: "Over WebSockets, per second",
    lines: [
      { name: "to browsers", color: "engine", of: ({ down }) => down },
      { name: "to the tenant", color: "page", of: ({ up }) => up },
    ],
    format: asSize,
  },
];

const axis = (): Pick<uPlot.Axis, "stroke" | "grid" | "ticks"> => ({
  stroke: () => color("soft"),
  grid: { stroke: () => color("line"), width: 1 },
  ticks: { show: false },
});

function plotOptions({ lines, format, isSparse = false }: ChartOptions, width: number): uPlot.Options {
  return {
    width,
    height,
    scales: {
      x: { time: true, range: (_plot, from, to) => [Math.min(from, to - leastSpan), to] },
      y: { range: (_plot, _from, to) => [0, Math.max(1, (to || 0) * 1.1)] },
    },
    axes: [
      { ...axis(), space: 70, size: 34, values: (_plot, marks) => marks.map((mark) => asTime(mark * 1000)) },
      { ...axis(), size: 62, space: 36, values: (_plot, marks) => marks.map((mark) => format(mark)) },
    ],
    cursor: { sync: { key: "time" }, y: false, drag: { x: false, y: false } },
    series: [
      { value: (_plot, at: number | null) => (at === null ? "–" : asTime(at * 1000)), label: "at" },
      ...lines.map((line): uPlot.Series => ({
        label: line.name,
        stroke: () => color(line.color),
        width: 1.5,
        spanGaps: isSparse,
        points: { show: isSparse, size: 4 },
        value: (_plot, value: number | null) => (value === null ? "–" : format(value)),
      })),
    ],
  };
}

/** A line that never left the ground would cover one that did. */
const withoutGround = (values: readonly (number | null)[]): (number | null)[] =>
  values.some((value) => value !== null && value > 0) ? [...values] : values.map(() => null);

const dataOf = ({ lines }: ChartOptions, points: readonly Point[]): uPlot.AlignedData => [
  points.map(({ at }) => at / 1000),
  ...lines.map(({ of }) => withoutGround(points.map(of))),
];

/** Draws the last minutes; returns what draws them anew. */
export function createCharts(classes: readonly string[]): (points: readonly Point[]) => void {
  const drawn = chartsFor(classes).map((options) => {
    const place = element("div", "plot");
    const card = element("section", "chart", element("h2", "", options.title), place);
    part("charts").append(card);
    const plot = new uPlot(plotOptions(options, place.clientWidth), dataOf(options, []), place);
    new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height })).observe(place);
    return { options, plot };
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const { plot } of drawn) plot.redraw();
  });
  return (points) => {
    for (const { options, plot } of drawn) plot.setData(dataOf(options, points));
  };
}

import type { stardust } from "@nebula.js/stardust";

const palette = ["#2f6fde", "#12a594", "#f0a12b", "#d6517d", "#7c66dc", "#5b9b3a", "#c2613c", "#3aa6d0"];
const darkPalette = ["#6ea0ff", "#3ccfbe", "#ffbe55", "#f47ba4", "#a794ff", "#8cc96a", "#ec8f6a", "#6cc9ef"];

interface Ink {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  /** What the drawing lies on. */
  readonly ground: string;
  /** A row under the pointer. */
  readonly hover: string;
  readonly colors: readonly string[];
}

const fontFamily = 'Inter, "Segoe UI", system-ui, -apple-system, Roboto, "DejaVu Sans", sans-serif';

/** Styles by kind of object, under the names that the vendor's charts look for. */
function objectStyles({ text, soft, line, ground, hover, colors }: Ink): object {
  const label = { fontFamily, fontSize: "12px", color: soft };
  const strong = { ...label, color: text };
  const lines = { line: { major: { color: line }, minor: { color: line } } };
  const axis = { title: label, label: { name: label }, ...lines };
  const plot = { axis, grid: lines, label: { value: strong } };
  return {
    title: { main: { fontSize: "14px", color: text }, subTitle: { color: soft }, footer: { color: soft } },
    axis,
    grid: lines,
    label: { value: strong },
    legend: { title: label, label: strong },
    barChart: plot,
    lineChart: plot,
    pieChart: { label: { name: strong, value: strong } },
    kpi: { label: { name: { color: soft }, value: { color: colors[0] } } },
    listBox: {
      backgroundColor: ground,
      title: { main: { fontFamily, fontSize: "13px", color: text } },
      content: { fontFamily, fontSize: "13px", color: text },
    },
    straightTableV2: {
      backgroundColor: ground,
      header: { fontFamily, fontSize: "12px", color: soft },
      content: { fontFamily, fontSize: "12px", color: text, hover: { backgroundColor: hover, color: text } },
      grid: { divider: line, border: line },
    },
  };
}

/** The members of a chart theme that differ from the renderer's own; fonts as the embedding pages use them. */
function themeOf(type: "light" | "dark", ink: Ink): object {
  const { text, soft, line, colors } = ink;
  const [primaryColor = text] = colors;
  return {
    type,
    color: text,
    fontFamily,
    backgroundColor: "transparent",
    dataColors: { primaryColor, othersColor: soft, errorColor: "#c9302c", nullColor: line },
    palettes: {
      data: [{ name: "Portal", translation: "Portal", propertyValue: "portal", type: "row", scale: colors }],
      ui: [{ name: "Portal", colors }],
    },
    object: objectStyles(ink),
  };
}

const light: Ink = {
  text: "#1d2433",
  soft: "#5c6679",
  line: "#e3e7ee",
  ground: "#ffffff",
  hover: "#f1f4f9",
  colors: palette,
};

const dark: Ink = {
  text: "#e8ecf4",
  soft: "#a3adbf",
  line: "#2c3444",
  ground: "#181e29",
  hover: "#222a38",
  colors: darkPalette,
};

/** The themes of the local tenant, made for pages with a light and with a dark ground. */
export const themes: stardust.ThemeInfo[] = [
  { id: "portal-light", load: async () => themeOf("light", light) },
  { id: "portal-dark", load: async () => themeOf("dark", dark) },
];

import type { stardust } from "@nebula.js/stardust";

const palette = ["#2f6fde", "#12a594", "#f0a12b", "#d6517d", "#7c66dc", "#5b9b3a", "#c2613c", "#3aa6d0"];
const darkPalette = ["#6ea0ff", "#3ccfbe", "#ffbe55", "#f47ba4", "#a794ff", "#8cc96a", "#ec8f6a", "#6cc9ef"];

interface Ink {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly colors: readonly string[];
}

/** The members of a chart theme that differ from the renderer's own; fonts as the embedding pages use them. */
function themeOf(type: "light" | "dark", { text, soft, line, colors }: Ink): object {
  const label = { fontFamily: "inherit", fontSize: "12px", color: soft };
  const axis = {
    title: { ...label, color: soft },
    label: { name: label },
    line: { major: { color: line }, minor: { color: line } },
  };
  const value = { label: { value: { ...label, color: text } } };
  const primary = colors[0] ?? text;
  return {
    type,
    color: text,
    fontFamily: 'Inter, "Segoe UI", system-ui, -apple-system, Roboto, "DejaVu Sans", sans-serif',
    backgroundColor: "transparent",
    dataColors: { primaryColor: primary, othersColor: soft, errorColor: "#c9302c", nullColor: line },
    palettes: {
      data: [{ name: "Portal", translation: "Portal", propertyValue: "portal", type: "row", scale: colors }],
      ui: [{ name: "Portal", colors }],
    },
    object: {
      title: { main: { fontSize: "14px", color: text }, subTitle: { color: soft }, footer: { color: soft } },
      axis,
      grid: { line: { major: { color: line }, minor: { color: line } } },
      label: value,
      legend: { title: { ...label, color: soft }, label: { ...label, color: text } },
      barChart: { axis, grid: { line: { major: { color: line } } }, ...value },
      lineChart: { axis, grid: { line: { major: { color: line } } }, ...value },
      pieChart: { label: { name: { ...label, color: text }, value: { ...label, color: text } } },
    },
  };
}

/** The two themes that the embedded UIs know: `light` and `dark` of the page, drawn on the page's own ground. */
export const themes: stardust.ThemeInfo[] = [
  {
    id: "portal-light",
    load: async () =>
      themeOf("light", { text: "#1d2433", soft: "#5c6679", line: "#e3e7ee", colors: palette }),
  },
  {
    id: "portal-dark",
    load: async () =>
      themeOf("dark", { text: "#e8ecf4", soft: "#a3adbf", line: "#2c3444", colors: darkPalette }),
  },
];

import type { AppSession, Doc, QixAPI } from "@qlik/api/qix";
import { embed, type stardust } from "@nebula.js/stardust";
import { themes } from "./chart-themes.ts";
import { type AppProps, runtime } from "./runtime.ts";

/** One open app: the vendor's session for it and the renderer that draws its objects. */
export interface AppView {
  readonly session: AppSession;
  readonly doc: Doc;
  readonly renderer: stardust.Embed;
}

type ChartFile = "barchart" | "kpi" | "linechart" | "piechart" | "table";

/** By `visualization` of a stored object: the names in the vendor's own client, and those of the npm packages. */
const chartFiles: Readonly<Record<string, ChartFile>> = {
  barchart: "barchart",
  "bar-chart": "barchart",
  kpi: "kpi",
  linechart: "linechart",
  "line-chart": "linechart",
  piechart: "piechart",
  "pie-chart": "piechart",
  table: "table",
  "sn-table": "table",
};

async function loadChart(file: ChartFile): Promise<stardust.Visualization> {
  const chart = await runtime().provide(`chart-${file}`, `chart-${file}.js`);
  if (chart === undefined) throw new Error(`The chart ${file} could not be loaded`);
  return chart;
}

const types: stardust.TypeInfo[] = Object.entries(chartFiles).map(([name, file]) => ({
  name,
  load: () => loadChart(file),
}));

/** By document: charts of one app share a renderer, so that opening a selection in one closes it in another. */
const renderers = new WeakMap<Doc, { readonly renderer: stardust.Embed; theme: string }>();

function rendererFor(doc: Doc, hostConfig: object, theme: string): stardust.Embed {
  const known = renderers.get(doc);
  if (known !== undefined) return known.renderer;
  const renderer = embed(doc, {
    hostConfig,
    types,
    themes,
    context: { theme, language: "en-US", keyboardNavigation: true },
  });
  renderers.set(doc, { renderer, theme });
  return renderer;
}

/** Draws everything of this app in another theme. */
export async function applyTheme(view: AppView, theme: string): Promise<void> {
  const known = renderers.get(view.doc);
  if (known === undefined || known.theme === theme) return;
  known.theme = theme;
  await view.renderer.context({ theme });
}

/** Opens the app; components with equal props share one socket, which the vendor's engine module counts. */
export async function openAppView(app: AppProps, theme: string): Promise<AppView> {
  const qix = (await runtime().import("qix@v1")) as Pick<QixAPI, "openAppSession">;
  // A socket that was lost comes back by itself or, after other ends, with the next move of the mouse: facts §5.5.
  const session = qix.openAppSession({ ...app, autoResume: true });
  try {
    const doc = await session.getDoc();
    return { session, doc, renderer: rendererFor(doc, app.hostConfig ?? {}, theme) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

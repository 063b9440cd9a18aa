// The dashboard: charts draw themselves through `<qlik-embed>`; this script adds what the page draws on its own.
import { followColorScheme } from "./color-scheme.ts";
import { startDirectPane } from "./direct-pane.ts";
import { pageSettings } from "./page-settings.ts";
import { startRanking } from "./ranking.ts";
import { startSessionPanel } from "./session-panel.ts";
import { startTiles } from "./tiles.ts";

const settings = pageSettings();
followColorScheme();
const panel = startSessionPanel(settings);
startTiles(settings, () => panel.noteUse());
startRanking(settings);
startDirectPane();

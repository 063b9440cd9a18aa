import enigma from "enigma.js";
import schema from "enigma.js/schemas/12.2015.0.json";
import { numberText } from "./number-text.ts";
import { element, type PageSettings } from "./page-settings.ts";

/** The part of an engine object's layout that the list is made of. */
interface RankingLayout {
  readonly qHyperCube: {
    readonly qDataPages: readonly { readonly qMatrix: readonly (readonly RankingCell[])[] }[];
  };
}

interface RankingCell {
  readonly qText: string;
  readonly qNum: number | "NaN";
  readonly qElemNumber: number;
  readonly qState: string;
}

interface RankingModel {
  getLayout(): Promise<RankingLayout>;
  selectHyperCubeValues(path: string, dimension: number, values: number[], toggle: boolean): Promise<boolean>;
  on(event: "changed", listener: () => void): void;
}

interface EngineGlobal {
  openDoc(appId: string): Promise<{ createSessionObject(properties: object): Promise<RankingModel> }>;
}

const rows = 7;

const definition = {
  qInfo: { qType: "portal-ranking" },
  qHyperCubeDef: {
    qDimensions: [{ qDef: { qFieldDefs: ["Customer"] }, qNullSuppression: true }],
    qMeasures: [{ qDef: { qDef: "Sum(Amount)" }, qSortBy: { qSortByNumeric: -1 } }],
    qInterColumnSortOrder: [1, 0],
    qInitialDataFetch: [{ qTop: 0, qLeft: 0, qHeight: rows, qWidth: 2 }],
  },
};

function row(model: RankingModel, [customer, amount]: readonly RankingCell[], most: number): HTMLElement {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const value = Number(amount?.qNum ?? NaN);
  const name = document.createElement("span");
  name.textContent = customer?.qText ?? "";
  const figure = document.createElement("strong");
  figure.textContent = numberText(value, "money");
  const share = document.createElement("i");
  share.style.inlineSize = `${most > 0 ? Math.max(2, (100 * value) / most) : 0}%`;
  button.append(name, figure, share);
  button.addEventListener("click", () => {
    const picked = customer === undefined ? [] : [customer.qElemNumber];
    model.selectHyperCubeValues("/qHyperCubeDef", 0, picked, true).catch(() => undefined);
  });
  item.classList.toggle("selected", customer?.qState === "S");
  item.append(button);
  return item;
}

async function draw(list: HTMLElement, model: RankingModel): Promise<void> {
  const layout = await model.getLayout();
  const matrix = layout.qHyperCube.qDataPages[0]?.qMatrix ?? [];
  const most = Number(matrix[0]?.[1]?.qNum ?? 0);
  list.replaceChildren(...matrix.map((cells) => row(model, cells, most)));
}

/** Lists the best customers with plain `enigma.js`, on a socket of its own. */
export function startRanking({ qlikHost, appId }: PageSettings): void {
  const list = element("ranking");
  const stale = (): void => list.classList.add("stale");
  const session = enigma.create({
    schema,
    url: `${qlikHost.replace(/^http/, "ws")}/app/${encodeURIComponent(appId)}`,
    suspendOnClose: true,
  });
  session.on("suspended", ({ code }: { readonly code: number }) => {
    stale();
    // 4003: the engine or the proxy is being replaced; come back at once.
    if (code === 4003) session.resume().then(() => list.classList.remove("stale"), stale);
  });
  const start = async (): Promise<void> => {
    const global = (await session.open()) as unknown as EngineGlobal;
    const doc = await global.openDoc(appId);
    const model = await doc.createSessionObject(definition);
    model.on("changed", () => void draw(list, model).catch(stale));
    await draw(list, model);
  };
  start().catch(stale);
}

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

/** A log-out: whoever comes back after that has to be asked first. */
const loggedOut = 4203;
/** The engine or the proxy is being replaced; the next one is there already. */
const moved = 4003;
const retries = 5;
const retryAfter = 2000;

class Ranking {
  readonly #list: HTMLElement = element("ranking");
  readonly #url: string;
  readonly #appId: string;
  #failures = 0;

  constructor({ qlikHost, appId }: PageSettings) {
    this.#url = `${qlikHost.replace(/^http/, "ws")}/app/${encodeURIComponent(appId)}`;
    this.#appId = appId;
  }

  /** Opens a socket and follows the list on it; a lost socket is replaced by another. */
  async connect(): Promise<void> {
    const session = enigma.create({ schema, url: this.#url });
    session.on("closed", ({ code }: { readonly code: number }) => this.#reconnect(code));
    const global = (await session.open()) as unknown as EngineGlobal;
    const doc = await global.openDoc(this.#appId);
    const model = await doc.createSessionObject(definition);
    const update = (): void => void draw(this.#list, model).catch(() => this.#list.classList.add("stale"));
    model.on("changed", update);
    await draw(this.#list, model);
    this.#list.classList.remove("stale");
    this.#failures = 0;
  }

  #reconnect(code: number): void {
    this.#list.classList.add("stale");
    this.#failures += 1;
    if (code === loggedOut || this.#failures > retries) return;
    const wait = code === moved && this.#failures === 1 ? 0 : retryAfter * this.#failures;
    // A failed attempt ends in another "closed".
    setTimeout(() => void this.connect().catch(() => undefined), wait);
  }
}

/** Lists the best customers with plain `enigma.js`, on a socket of its own. */
export function startRanking(settings: PageSettings): void {
  void new Ranking(settings).connect().catch(() => undefined);
}

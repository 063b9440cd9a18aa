import { openAppSession, type GenericObject } from "@qlik/api/qix";
import { type NumberStyle, numberText } from "./number-text.ts";
import { element, type PageSettings } from "./page-settings.ts";

interface Tile {
  readonly label: string;
  readonly expression: string;
  readonly style: NumberStyle;
}

const tiles: readonly Tile[] = [
  { label: "Sales", expression: "Sum(Amount)", style: "money" },
  { label: "Order lines", expression: "Count(OrderLine)", style: "count" },
  { label: "Average line", expression: "Avg(Amount)", style: "money" },
  { label: "Units", expression: "Sum(Quantity)", style: "count" },
];

const definition = {
  qInfo: { qType: "portal-tiles" },
  qHyperCubeDef: {
    qMeasures: tiles.map(({ expression }) => ({ qDef: { qDef: expression } })),
    qInitialDataFetch: [{ qTop: 0, qLeft: 0, qHeight: 1, qWidth: tiles.length }],
  },
};

function draw(list: HTMLElement, values: readonly number[]): void {
  list.replaceChildren(
    ...tiles.map(({ label, style }, index) => {
      const item = document.createElement("li");
      item.className = "tile";
      const name = document.createElement("span");
      name.textContent = label;
      const value = document.createElement("strong");
      value.textContent = numberText(values[index] ?? NaN, style);
      item.append(name, value);
      return item;
    }),
  );
}

async function follow(list: HTMLElement, model: GenericObject, onChange: () => void): Promise<void> {
  const update = async (): Promise<void> => {
    const layout = await model.getLayout();
    const row = layout.qHyperCube?.qDataPages?.[0]?.qMatrix?.[0] ?? [];
    draw(
      list,
      row.map((cell) => cell.qNum ?? NaN),
    );
  };
  model.on("changed", () => {
    onChange();
    update().catch(() => list.classList.add("stale"));
  });
  await update();
}

/** Fills the row of key figures with the vendor's client `@qlik/api`; `onChange` hears of every selection. */
export function startTiles({ qlikHost, appId }: PageSettings, onChange: () => void): void {
  const list = element("tiles");
  const hostConfig = { host: qlikHost, authType: "none" } as const;
  const session = openAppSession({ appId, hostConfig, autoResume: true });
  session.onWebSocketEvent(({ eventType }) => {
    list.classList.toggle("stale", eventType === "suspended" || eventType === "closed");
  });
  session
    .getDoc()
    .then(async (doc) => follow(list, await doc.createSessionObject(definition), onChange))
    .catch(() => list.classList.add("stale"));
}

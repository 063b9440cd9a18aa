import type { stardust } from "@nebula.js/stardust";
import type { AppView } from "./app-view.ts";
import type { EmbedProps } from "./mounted-component.ts";

type Draw = (element: HTMLElement, view: AppView, props: EmbedProps) => Promise<() => void>;

/** An object of the app by its id, or one made on the spot from a type, dimensions and measures. */
const drawChart: Draw = async (element, { renderer }, props) => {
  const fields = [...(props.dimensions ?? []), ...(props.measures ?? [])] as stardust.Field[];
  const chart = await renderer.render({
    element,
    onRender: () => {
      element.dataset["embedDrawn"] = "";
    },
    ...(props.objectId !== undefined
      ? { id: props.objectId }
      : {
          ...(props.type && { type: props.type }),
          fields,
          ...(props.properties && { properties: props.properties }),
        }),
  });
  return () => void chart.destroy();
};

/** The renderer paints the selections bar in greys of its own, which no theme reaches. */
const selectionsStyle = document.createElement("style");
selectionsStyle.textContent =
  "[data-embed-selections]>div,[data-embed-selections]>div>div{background:transparent!important}";

const drawSelections: Draw = async (element, { renderer }) => {
  document.head.append(selectionsStyle);
  element.dataset["embedSelections"] = "";
  const selections = await renderer.selections();
  selections.mount(element);
  return () => selections.unmount();
};

const drawField: Draw = async (element, { renderer }, { fieldId }) => {
  if (fieldId === undefined) throw new Error("The attribute field-id is missing");
  const field = await renderer.field(fieldId);
  await field.mount(element, { frequencyMode: "none", dense: true, search: "toggle" });
  return () => field.unmount();
};

const uis: Readonly<Record<string, Draw>> = {
  "analytics/chart": drawChart,
  "analytics/selections": drawSelections,
  "analytics/field": drawField,
};

/** Draws the UI that the props name into the element; the answer takes the drawing away. */
export async function drawUi(element: HTMLElement, view: AppView, props: EmbedProps): Promise<() => void> {
  const draw = uis[props.ui ?? ""];
  if (draw === undefined) throw new Error(`The local tenant cannot draw ui="${props.ui ?? ""}"`);
  return draw(element, view, props);
}

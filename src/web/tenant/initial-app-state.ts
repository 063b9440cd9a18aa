import type { Doc } from "@qlik/api/qix";
import * as qix from "vendor:qix";
import type { AppProps } from "./runtime.ts";

/** Selections that are made once, before anything is drawn. */
export interface InitialAppState {
  readonly clearSelections?: boolean;
  readonly fieldSelections?: readonly FieldSelection[];
  readonly bookmarkId?: string;
}

export interface FieldSelection {
  readonly name: string;
  readonly state?: string;
  readonly values?: readonly { readonly qText: string }[];
  readonly search?: { readonly match: string };
}

async function select(doc: Doc, { name, state, values, search }: FieldSelection): Promise<void> {
  const field = await doc.getField(name, state ?? "$");
  if (values !== undefined) await field.selectValues([...values], false, false);
  else if (search !== undefined) await field.select(search.match, false, 0);
}

/** Clears, applies the bookmark, selects: in this order, when the app opens (or at once if it is open). */
export function setInitialAppState(app: AppProps, state: InitialAppState): void {
  qix.addInitialAppAction(app, async (doc) => {
    if (state.clearSelections === true) await doc.clearAll(false);
    if (state.bookmarkId !== undefined) await doc.applyBookmark(state.bookmarkId);
    for (const selection of state.fieldSelections ?? []) await select(doc, selection);
  });
}

/** Calls the page's function when the app opens, before anything is drawn. */
export function addOnAppOpenCallback(
  app: AppProps,
  callback: (props: { readonly app: Doc }) => Promise<unknown>,
): void {
  qix.addInitialAppAction(app, (doc) => callback({ app: doc }));
}

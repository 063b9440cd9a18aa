/** What the server wrote into the page. */
export interface PageSettings {
  /** Origin and prefix of the proxy. */
  readonly qlikHost: string;
  readonly appId: string;
}

/** Reads the settings of the dashboard from its body element. */
export function pageSettings(): PageSettings {
  const { qlikHost, appId } = document.body.dataset;
  if (qlikHost === undefined || appId === undefined) throw new Error("The page lacks its settings");
  return { qlikHost, appId };
}

/** The element of that id; the page is broken without it. */
export function element<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element #${id}`);
  return found as Type;
}

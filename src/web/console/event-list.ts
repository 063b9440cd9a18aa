import { asTime, element, part } from "./page.ts";
import type { Subjects } from "./people.ts";
import type { RecentEvent } from "./state.ts";

/** So many are shown, the latest first. */
const shown = 100;

/** Writes down what happened lately; whose session it was is said where it is still there. */
export function showEvents(events: readonly RecentEvent[], subjects: Subjects): void {
  const rows = events
    .slice(-shown)
    .toReversed()
    .map((event) => rowOf(event, subjects));
  part("events").replaceChildren(...(rows.length > 0 ? rows : [element("li", "empty", "nothing yet")]));
}

function rowOf({ at, level, event, session, ...rest }: RecentEvent, subjects: Subjects): HTMLElement {
  const { status, code, reason, outcome } = rest;
  const whose = session === undefined ? undefined : (subjects.get(session) ?? session);
  const details = [whose, status, code, reason, outcome === code ? undefined : outcome];
  const said = details.filter((detail) => detail !== undefined).join(" · ");
  const what = element("div", "what", element("span", "name", event), ` ${said}`);
  const row = element("li", "", element("time", "", asTime(at)), what);
  row.dataset["level"] = level;
  return row;
}

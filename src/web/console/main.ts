import { ask, forgetToken, keepToken, knownToken, WrongToken } from "./access.ts";
import { createCharts } from "./charts.ts";
import { showEvents } from "./event-list.ts";
import { showFigures } from "./figures.ts";
import { part } from "./page.ts";
import { People } from "./people.ts";
import { type ConsoleState, type Point, Timeline } from "./state.ts";

/** How often it is asked how things are. Milliseconds. */
const askEvery = 2000;

/** The list of sessions is read from the store: at most this often, and never for more than a twentieth of the time. */
const listEvery = 4000;
const listShare = 20;

/** After a failure it is asked again after this. Milliseconds. */
const afterFailure = 5000;

let timeline = new Timeline();
let draw: ((points: readonly Point[]) => void) | null = null;
let timer = 0;
let listAt = 0;
/** Goes up when the token is given or forgotten: answers from before do not count. */
let visit = 0;

const people = new People(() => {
  listAt = 0;
  next(0);
});

function next(wait: number): void {
  clearTimeout(timer);
  const mine = visit;
  timer = setTimeout(() => {
    // Who does not look does not ask; the page goes on when it is seen again.
    if (document.visibilityState === "visible") void refresh(mine);
  }, wait);
}

async function refresh(mine: number): Promise<void> {
  let wait = askEvery;
  try {
    const state = (await (await ask(`/console/state?${timeline.query()}`)).json()) as ConsoleState;
    if (mine !== visit) return;
    show(state);
    if (Date.now() >= listAt) await list(state.now);
    if (mine !== visit) return;
    showEvents(timeline.events, people.subjects);
    say("");
  } catch (error) {
    if (mine !== visit) return;
    if (error instanceof WrongToken) return signIn(error.message);
    wait = afterFailure;
    say(`Not reached, trying again: ${error instanceof Error ? error.message : "unknown"}`);
  }
  next(wait);
}

function show(state: ConsoleState): void {
  part("sign-in").hidden = true;
  part("console").hidden = false;
  timeline.take(state);
  draw ??= createCharts(state.routeClasses);
  draw(timeline.points);
  showFigures(state, timeline.points);
}

/** `now`: of the server, whose times are in the list. */
async function list(now: number): Promise<void> {
  const startedAt = Date.now();
  await people.refresh(now);
  listAt = Date.now() + Math.max(listEvery, listShare * (Date.now() - startedAt));
}

function say(trouble: string): void {
  const place = part("trouble");
  place.textContent = trouble;
  place.hidden = trouble === "";
}

/** Asks for the token; what was shown with another one goes away. */
function signIn(reason: string): void {
  visit += 1;
  clearTimeout(timer);
  forgetToken();
  timeline = new Timeline();
  for (const id of ["people", "events", "figures"]) part(id).replaceChildren();
  part("console").hidden = true;
  part("sign-in").hidden = false;
  part("sign-in-reason").textContent = reason;
  part("token").focus();
}

part("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = part<HTMLInputElement>("token");
  keepToken(field.value.trim());
  field.value = "";
  visit += 1;
  listAt = 0;
  next(0);
});

part("sign-out").addEventListener("click", () => signIn(""));

document.addEventListener("visibilitychange", () => next(0));

if (knownToken() === null) signIn("");
else next(0);

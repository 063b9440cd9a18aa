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
/** What was wrong when the list was asked for last. */
let unlisted = "";
/** Goes up when the token is given or forgotten: answers from before do not count. */
let visit = 0;
/** The visit that is being asked for: two answers to the same question would both be drawn. */
let asking: number | null = null;
/** Whether it has to be asked again as soon as that is done. */
let isUrgent = false;

const people = new People(() => {
  listAt = 0;
  next(0);
});

function next(wait: number): void {
  if (asking === visit) {
    isUrgent = true;
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(() => {
    // Who does not look does not ask; the page goes on when it is seen again.
    if (document.visibilityState === "visible") void refresh();
  }, wait);
}

async function refresh(): Promise<void> {
  const mine = visit;
  asking = mine;
  isUrgent = false;
  const wait = await look(mine);
  if (wait === null) return;
  asking = null;
  next(isUrgent ? 0 : wait);
}

/** Asks and shows; the wait until the next time, null where the visit is over. */
async function look(mine: number): Promise<number | null> {
  try {
    const state = (await (await ask(`/console/state?${timeline.query()}`)).json()) as ConsoleState;
    if (mine !== visit) return null;
    show(state);
    showEvents(timeline.events, people.subjects);
    const trouble = Date.now() >= listAt ? await list(state.now) : unlisted;
    if (mine !== visit) return null;
    showEvents(timeline.events, people.subjects);
    unlisted = trouble;
    say(trouble);
    return askEvery;
  } catch (error) {
    if (mine !== visit) return null;
    if (error instanceof WrongToken) {
      signIn(error.message);
      return null;
    }
    say(`Not reached, trying again: ${wordsOf(error)}`);
    return afterFailure;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : "unknown");

function show(state: ConsoleState): void {
  part("sign-in").hidden = true;
  part("console").hidden = false;
  timeline.take(state);
  draw ??= createCharts(state.routeClasses);
  draw(timeline.points);
  showFigures(state, timeline.points);
}

/** What is wrong with the list, if anything is; `now`: of the server, whose times are in it. @throws WrongToken */
async function list(now: number): Promise<string> {
  const startedAt = Date.now();
  listAt = Number.POSITIVE_INFINITY;
  try {
    await people.refresh(now);
    return "";
  } catch (error) {
    if (error instanceof WrongToken) throw error;
    // The store may be what is down, and the rest tells of it.
    return `The sessions cannot be listed: ${wordsOf(error)}`;
  } finally {
    const wait = Math.max(listEvery, listShare * (Date.now() - startedAt));
    // Unless somebody has asked for it meanwhile.
    listAt = Math.min(listAt, Date.now() + wait);
  }
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

import type { AppDefinition } from "./apps/app-definition.ts";
import { Doc } from "./doc.ts";
import type { EngineUser, SessionPlace } from "./engine-session.ts";
import type { JsonObject } from "./json-value.ts";
import { buildTable, reduceTable, type Table } from "./table.ts";

/** Ids that start like this name an app that lives as long as its session (facts §5.1). */
const SESSION_APP = /^SessionApp_/i;

/** What the engine says of an app. */
export interface AppSummary {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Bytes. */
  readonly size: number;
  /** ISO 8601. */
  readonly lastReload: string;
  /** Only members of this group may open the app. */
  readonly requiredGroup?: string;
  /** The first of its bar charts. */
  readonly barChart?: string;
}

function firstBarChart({ objects }: AppDefinition): Pick<AppSummary, "barChart"> {
  const found = objects
    .map(({ qInfo }) => qInfo as { readonly qId?: string; readonly qType?: string } | undefined)
    .find((info) => info?.qType === "bar-chart")?.qId;
  return found === undefined ? {} : { barChart: found };
}

/** The apps of the local tenant, with their data loaded when first needed. */
export class EngineApps {
  readonly #definitions: ReadonlyMap<string, AppDefinition>;
  readonly #tables = new Map<string, Table>();
  readonly #saved = new Map<string, Map<string, JsonObject>>();

  constructor(definitions: readonly AppDefinition[]) {
    this.#definitions = new Map(definitions.map((definition) => [definition.id, definition]));
  }

  /** Every app there is. */
  summaries(): readonly AppSummary[] {
    return [...this.#definitions.values()].map((definition) => ({
      id: definition.id,
      name: definition.name,
      description: definition.description,
      size: sizeOf(this.#table(definition)),
      lastReload: definition.lastReload,
      ...(definition.requiredGroup === undefined ? {} : { requiredGroup: definition.requiredGroup }),
      ...firstBarChart(definition),
    }));
  }

  /** The apps a user may open. */
  summariesFor(user: EngineUser): readonly AppSummary[] {
    return this.summaries().filter(
      ({ requiredGroup }) => requiredGroup === undefined || user.groups.includes(requiredGroup),
    );
  }

  /** Whether a user may open an app: `unknown` when there is none of that id. */
  access(appId: string, user: EngineUser): "granted" | "denied" | "unknown" {
    if (SESSION_APP.test(appId)) return "granted";
    const definition = this.#definitions.get(appId);
    if (definition === undefined) return "unknown";
    const group = definition.requiredGroup;
    return group === undefined || user.groups.includes(group) ? "granted" : "denied";
  }

  /** Opens the app of a session with the data its user may see. */
  open(place: SessionPlace, noData: boolean): Doc {
    const { appId, user } = place;
    const isSessionApp = SESSION_APP.test(appId);
    const definition = isSessionApp ? this.#sessionApp(place) : this.#definitions.get(appId);
    if (definition === undefined) throw new RangeError(`no app ${appId}`);
    const full = this.#tableFor(definition, user);
    const table = noData ? emptied(full) : full;
    return new Doc({ appId, definition, table, noData, saved: this.#savedBy(user, appId, isSessionApp) });
  }

  #sessionApp({ appId, sourceAppId, user }: SessionPlace): AppDefinition {
    const granted = this.access(sourceAppId, user) === "granted";
    const source = granted ? this.#definitions.get(sourceAppId) : undefined;
    return {
      name: appId,
      description: "",
      lastReload: "",
      objects: [],
      load: () => buildTable("Data", [], []),
      ...source,
      id: source?.id ?? "",
    };
  }

  #savedBy(user: EngineUser, appId: string, forgotten: boolean): Map<string, JsonObject> {
    if (forgotten) return new Map();
    const key = JSON.stringify([user.id, appId]);
    let saved = this.#saved.get(key);
    if (saved === undefined) {
      saved = new Map();
      this.#saved.set(key, saved);
    }
    return saved;
  }

  #table(definition: AppDefinition): Table {
    return this.#remember(definition.id, () => loadOnce(definition.load));
  }

  #tableFor(definition: AppDefinition, user: EngineUser): Table {
    const { sectionAccess } = definition;
    if (sectionAccess === undefined) return this.#table(definition);
    const granted = user.groups.flatMap((group) => sectionAccess.grants[group] ?? []);
    if (granted.length === 0) return this.#table(definition);
    const allowed = [...new Set(granted)].sort();
    const key = JSON.stringify([definition.id, allowed]);
    return this.#remember(key, () =>
      reduceTable(this.#table(definition), sectionAccess.field, new Set(allowed)),
    );
  }

  #remember(key: string, make: () => Table): Table {
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = make();
      this.#tables.set(key, table);
    }
    return table;
  }
}

/** Tables are never changed, so every tenant of a process reads the same ones. */
const loaded = new WeakMap<() => Table, Table>();

function loadOnce(load: () => Table): Table {
  const table = loaded.get(load) ?? load();
  loaded.set(load, table);
  return table;
}

function emptied(table: Table): Table {
  const [field] = table.columns.keys();
  return field === undefined ? table : reduceTable(table, field, new Set());
}

/** Four bytes a cell and the dictionaries. */
function sizeOf(table: Table): number {
  let bytes = table.rowCount * table.columns.size * 4;
  for (const column of table.columns.values()) {
    for (const { text } of column.values) bytes += text.length * 2 + 8;
  }
  return bytes;
}

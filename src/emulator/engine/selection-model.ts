import { associate, type Association } from "./association.ts";
import {
  cleared,
  clicked,
  NO_SELECTIONS,
  SelectionHistory,
  type Selections,
  withLock,
  withSelection,
} from "./selections.ts";
import type { Table } from "./table.ts";

/** The object that is selected in, and what was selected before. */
interface Modal {
  readonly objectId: string;
  readonly before: Selections;
  readonly association: Association;
}

/** Options of a selection in one field. */
export interface SelectOptions {
  /** Switch each value instead of replacing the selection. */
  readonly toggle?: boolean;
  /** Select even in a locked field. */
  readonly softLock?: boolean;
}

/** The selections of one engine session over one table. */
export class SelectionModel {
  readonly #table: Table;
  readonly #history = new SelectionHistory();
  #selections: Selections = NO_SELECTIONS;
  #association: Association | undefined;
  #modal: Modal | undefined;
  #version = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** What is selected now. */
  get current(): Selections {
    return this.#selections;
  }

  /** Grows with every change; tells whether something computed earlier still holds. */
  get version(): number {
    return this.#version;
  }

  /** What the current selections leave possible. */
  get association(): Association {
    this.#association ??= associate(this.#table, this.#selections);
    return this.#association;
  }

  /** The past and future, counted. */
  get steps(): { readonly back: number; readonly forward: number } {
    return { back: this.#history.backCount, forward: this.#history.forwardCount };
  }

  /**
   * What decides which rows an object shows and in which order: while it is selected in, the state
   * from before, so that the alternatives stay in sight and in place.
   */
  shownIn(objectId: string): Association {
    return this.#modal?.objectId === objectId ? this.#modal.association : this.association;
  }

  /** Selects values of a field by element number; false when nothing can be selected. */
  select(field: string, values: readonly number[], options: SelectOptions = {}): boolean {
    const column = this.#table.columns.get(field);
    if (column === undefined) return false;
    const known = values.filter((value) => value >= 0 && value < column.values.length);
    if (known.length === 0 && values.length > 0) return false;
    const start = options.softLock === true ? withLock(this.#selections, false, field) : this.#selections;
    if (start.get(field)?.locked === true) return false;
    const before = start.get(field)?.values ?? new Set<number>();
    const chosen = clicked(before, known, options.toggle === true);
    return this.#replace(this.#resolve(withSelection(start, field, chosen), field));
  }

  /** Selects within several fields at once, each by element number. */
  selectMany(fields: ReadonlyMap<string, readonly number[]>, options: SelectOptions = {}): boolean {
    let done = fields.size > 0;
    for (const [field, values] of fields) done = this.select(field, values, options) && done;
    return done;
  }

  /** Clears one field, or every field. */
  clear(
    options: { readonly field?: string; readonly kept?: string; readonly lockedAlso?: boolean } = {},
  ): boolean {
    const { field, kept, lockedAlso = false } = options;
    if (field === undefined) return this.#replace(cleared(this.#selections, lockedAlso, kept));
    if (this.#selections.get(field)?.locked === true && !lockedAlso) return false;
    return this.#replace(new Map([...this.#selections].filter(([name]) => name !== field)));
  }

  /** Locks or unlocks one field, or every field that has a selection. */
  lock(locked: boolean, field?: string): boolean {
    if (field !== undefined && !this.#selections.has(field)) return false;
    return this.#replace(withLock(this.#selections, locked, field));
  }

  /** One step back in the history; false at its beginning. */
  back(): boolean {
    return this.#travel(this.#history.back(this.#selections));
  }

  /** One step forward in the history; false at its end. */
  forward(): boolean {
    return this.#travel(this.#history.forward(this.#selections));
  }

  /** Starts selecting in an object; another object's selecting ends and is kept. */
  begin(objectId: string): void {
    if (this.#modal !== undefined) this.end(true);
    this.#modal = { objectId, before: this.#selections, association: this.association };
  }

  /** Ends selecting; without `accept` everything is as it was at the start. False when nobody was selecting. */
  end(accept: boolean): boolean {
    const modal = this.#modal;
    if (modal === undefined) return false;
    this.#modal = undefined;
    const after = this.#selections;
    if (!accept) this.#set(modal.before);
    else if (!same(modal.before, after)) this.#history.record(modal.before);
    this.#version += 1;
    return true;
  }

  /** Takes back what was selected in the object since `begin`, and goes on selecting. */
  reset(): boolean {
    if (this.#modal === undefined) return false;
    this.#set(this.#modal.before);
    return true;
  }

  /** The id of the object that is selected in. */
  get modalObject(): string | undefined {
    return this.#modal?.objectId;
  }

  /** Drops other fields' selections when they leave nothing possible; gives up when only locks are left. */
  #resolve(selections: Selections, field: string): Selections | undefined {
    if (!selections.has(field) || associate(this.#table, selections).rows.length > 0) return selections;
    const alone = cleared(selections, false, field);
    return associate(this.#table, alone).rows.length > 0 ? alone : undefined;
  }

  #replace(selections: Selections | undefined): boolean {
    if (selections === undefined) return false;
    if (this.#modal === undefined && !same(this.#selections, selections))
      this.#history.record(this.#selections);
    this.#set(selections);
    return true;
  }

  #travel(selections: Selections | undefined): boolean {
    if (selections === undefined) return false;
    this.#modal = undefined;
    this.#set(selections);
    return true;
  }

  #set(selections: Selections): void {
    this.#selections = selections;
    this.#association = undefined;
    this.#version += 1;
  }
}

function same(left: Selections, right: Selections): boolean {
  if (left.size !== right.size) return false;
  for (const [field, { values, locked }] of left) {
    const other = right.get(field);
    if (other === undefined || other.locked !== locked || other.values.size !== values.size) return false;
    for (const value of values) if (!other.values.has(value)) return false;
  }
  return true;
}

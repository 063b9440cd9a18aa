/** What is selected in one field. */
export interface FieldSelection {
  /** Element numbers. */
  readonly values: ReadonlySet<number>;
  readonly locked: boolean;
}

/** All selections of an engine session, by field; never changed, only replaced. */
export type Selections = ReadonlyMap<string, FieldSelection>;

/** Nothing selected anywhere. */
export const NO_SELECTIONS: Selections = new Map();

/** Replaces the selection of a field; an empty set removes it. A locked field keeps what it has. */
export function withSelection(
  selections: Selections,
  field: string,
  values: ReadonlySet<number>,
): Selections {
  if (selections.get(field)?.locked === true) return selections;
  const next = new Map(selections);
  if (values.size === 0) next.delete(field);
  else next.set(field, { values, locked: false });
  return next;
}

/** Removes the selections of every field but `kept`; locked ones stay unless `lockedAlso`. */
export function cleared(selections: Selections, lockedAlso: boolean, kept?: string): Selections {
  return new Map([...selections].filter(([field, { locked }]) => field === kept || (locked && !lockedAlso)));
}

/** Locks or unlocks one field, or all of them without a name. */
export function withLock(selections: Selections, locked: boolean, field?: string): Selections {
  return new Map(
    [...selections].map(([name, selection]) =>
      field === undefined || field === name ? [name, { ...selection, locked }] : [name, selection],
    ),
  );
}

/** The selected values after a click: exactly `values`, or with `toggle` each of them switched. */
export function clicked(
  current: ReadonlySet<number>,
  values: readonly number[],
  toggle: boolean,
): ReadonlySet<number> {
  if (!toggle) return new Set(values);
  const next = new Set(current);
  for (const value of values) {
    if (!next.delete(value)) next.add(value);
  }
  return next;
}

/** The past and the future of a session's selections, for Back and Forward. */
export class SelectionHistory {
  #past: Selections[] = [];
  #future: Selections[] = [];

  /** Remembers the state that is about to be replaced. */
  record(before: Selections): void {
    this.#past.push(before);
    this.#future = [];
  }

  /** The state before `current`, or nothing at the beginning. */
  back(current: Selections): Selections | undefined {
    const previous = this.#past.pop();
    if (previous !== undefined) this.#future.push(current);
    return previous;
  }

  /** The state that Back left, or nothing when there is none. */
  forward(current: Selections): Selections | undefined {
    const next = this.#future.pop();
    if (next !== undefined) this.#past.push(current);
    return next;
  }

  /** How many steps Back can go. */
  get backCount(): number {
    return this.#past.length;
  }

  /** How many steps Forward can go. */
  get forwardCount(): number {
    return this.#future.length;
  }
}

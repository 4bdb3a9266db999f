/** Names of models and of tools that get series of their own; clients choose them freely (AG-B21). */
const MAX_NAMES = 200
/** Of those that have a place of their own; administrators may name as many as they like. */
const MAX_KEPT = 2_000
const OTHER = 'other'

/** Values of a label, of which there are never too many. */
export class BoundedNames {
  readonly #seen = new Set<string>()
  readonly #kept: Set<string>

  /** @param kept names that are themselves however many others there are. */
  constructor(kept: Iterable<string> = []) {
    this.#kept = new Set(kept)
  }

  /** Gives a name a place that others do not take. */
  keep(name: string): void {
    if (this.#kept.size < MAX_KEPT) this.#kept.add(name)
  }

  /** The name itself while there are few, or where it has its place. */
  label(name: string): string {
    if (this.#seen.has(name) || this.#kept.has(name)) return name
    if (this.#seen.size >= MAX_NAMES) return OTHER
    this.#seen.add(name)
    return name
  }
}

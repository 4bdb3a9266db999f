/** Names of models and of tools that get series of their own; clients choose them freely (AG-B21). */
const MAX_NAMES = 200
const OTHER = 'other'

/** Values of a label, of which there are never too many. */
export class BoundedNames {
  readonly #known = new Set<string>()

  /** The name itself while there are few. */
  label(name: string): string {
    if (this.#known.has(name)) return name
    if (this.#known.size >= MAX_NAMES) return OTHER
    this.#known.add(name)
    return name
  }
}

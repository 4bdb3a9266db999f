/** What the viewer opened or folded in a conversation; rows out of sight forget it themselves. */
export class OpenedRows {
  readonly #open = new Map<string, boolean>()
  readonly #listeners = new Set<() => void>()

  get(key: string): boolean | undefined {
    return this.#open.get(key)
  }

  set(key: string, open: boolean): void {
    this.#open.set(key, open)
    for (const listener of this.#listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/**
 * Which build of the server answers. The first one seen is the one that this page came from; another one means
 * that the page is old (UI-2105). It only says so: nothing reloads by itself.
 */
class ServerBuild {
  #first: string | undefined
  #changed = false
  readonly #listeners = new Set<() => void>()

  readonly changed = (): boolean => this.#changed

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The version that an answer names; null when it names none. */
  seen(version: string | null): void {
    if (version === null || version === '') return
    this.#first ??= version
    if (version === this.#first || this.#changed) return
    this.#changed = true
    for (const listener of this.#listeners) listener()
  }
}

export const serverBuild = new ServerBuild()

import { useSyncExternalStore } from 'react'

/** One of a few values that the viewer has chosen on this device; every tab follows (UI-2108). */
export class Choice<Value extends string> {
  readonly #key: string
  readonly #values: readonly [usual: Value, ...others: Value[]]
  readonly #show: (value: Value) => void
  readonly #listeners = new Set<() => void>()
  #value: Value

  /**
   * @param values the usual one first, which is not stored.
   * @param show makes a choice be seen; it is called at once.
   */
  constructor(
    key: string,
    values: readonly [usual: Value, ...others: Value[]],
    show: (value: Value) => void = () => undefined,
  ) {
    this.#key = key
    this.#values = values
    this.#show = show
    this.#value = this.#parse(stored(key))
    show(this.#value)
    window.addEventListener('storage', (event) => {
      if (event.key === key) this.#become(this.#parse(event.newValue))
    })
  }

  readonly get = (): Value => this.#value

  readonly set = (value: Value): void => {
    this.#become(value)
    try {
      if (value === this.#values[0]) localStorage.removeItem(this.#key)
      else localStorage.setItem(this.#key, value)
    } catch {
      // Storage is switched off: the choice lasts until the page goes (UI-2107).
    }
  }

  /** Shows it again, when what it depends on has changed. */
  readonly refresh = (): void => this.#become(this.#value)

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #become(value: Value): void {
    this.#value = value
    this.#show(value)
    for (const listener of this.#listeners) listener()
  }

  #parse(text: string | null): Value {
    return this.#values.find((value) => value === text) ?? this.#values[0]
  }
}

/** What is chosen, live. */
export function useChoice<Value extends string>(choice: Choice<Value>): Value {
  return useSyncExternalStore(choice.subscribe, choice.get)
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

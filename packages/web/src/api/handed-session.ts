/**
 * A session that the program around an embedded page has handed over (UI-1154). It is in memory only, and goes with
 * every request instead of the cookie, which belongs to whoever signed in with this browser.
 */
class HandedSession {
  #token: string | undefined
  #onExpired: (() => void) | undefined

  get token(): string | undefined {
    return this.#token
  }

  /** What a request says about who asks, where it does not go by the usual call. */
  credentials(): RequestInit {
    return this.#token === undefined
      ? { credentials: 'same-origin' }
      : { credentials: 'omit', headers: { 'Coder-Session-Token': this.#token } }
  }

  begin(token: string, onExpired: () => void): void {
    this.#token = token
    this.#onExpired = onExpired
  }

  end(): void {
    this.#token = undefined
    this.#onExpired = undefined
  }

  /** False when there is none, so that the session of the browser is meant. */
  expired(): boolean {
    const tell = this.#onExpired
    this.end()
    tell?.()
    return tell !== undefined
  }
}

export const handedSession = new HandedSession()

/** All patterns of the server with their methods, to tell a wrong method from an unknown address (ID-96). */
export class KnownRoutes {
  readonly #patterns = new Map<string, { readonly matches: RegExp; readonly methods: Set<string> }>()

  /** Notes a route; `url` is a pattern such as `/api/v2/users/:user`. */
  add(url: string, methods: string | readonly string[]): void {
    let known = this.#patterns.get(url)
    if (known === undefined) {
      const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')
      known = { matches: new RegExp(`^${escaped}$`), methods: new Set() }
      this.#patterns.set(url, known)
    }
    for (const method of [methods].flat()) known.methods.add(method)
  }

  /** The methods that an address without a query answers; none for an unknown one. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>()
    for (const known of this.#patterns.values())
      if (known.matches.test(path)) for (const method of known.methods) methods.add(method)
    return [...methods].sort()
  }
}

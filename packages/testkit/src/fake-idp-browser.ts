import { Client } from '@slipway/client'

/** An answer as a browser shows it. */
export interface Visited {
  readonly url: string
  readonly status: number
  readonly location: string
  readonly headers: Headers
  readonly text: string
}

const MAX_HOPS = 20

/** A browser without pages: it keeps cookies by origin and goes where it is sent. */
export class CookieBrowser {
  readonly #jars = new Map<string, Map<string, string>>()

  /** Goes to an address and stays where it is sent. */
  async visit(address: string, init: RequestInit = {}): Promise<Visited> {
    const url = new URL(address)
    const jar = this.#jar(url.origin)
    const headers = new Headers(init.headers)
    if (!headers.has('accept')) headers.set('Accept', 'text/html,*/*')
    if (jar.size > 0) headers.set('Cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';', 1)
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      if (/;\s*max-age=-|;\s*expires=Thu, 01 Jan 1970/i.test(cookie)) jar.delete(name)
      else jar.set(name, pair.slice(at + 1))
    }
    return {
      url: url.href,
      status: response.status,
      location: response.headers.get('location') ?? '',
      headers: response.headers,
      text: await response.text(),
    }
  }

  /** Goes to an address and on until it is sent nowhere, or to an address that `stop` names. */
  async follow(address: string, stop: (url: URL) => boolean = () => false): Promise<Visited> {
    let at = await this.visit(address)
    for (let hop = 0; at.status >= 300 && at.status < 400 && at.location !== ''; hop += 1) {
      const next = new URL(at.location, at.url)
      if (stop(next)) return { ...at, location: next.href }
      if (hop > MAX_HOPS) throw new Error(`sent around in circles, at last to ${next.href}`)
      at = await this.visit(next.href)
    }
    return at
  }

  /** Signs in at a callback of a server like a browser does, up to the page that it is sent to. */
  signIn(server: string, callback = '/api/v2/users/oidc/callback', query = ''): Promise<Visited> {
    const isPage = (url: URL): boolean => url.origin === server && url.pathname !== callback
    return this.follow(`${server}${callback}${query}`, isPage)
  }

  /** A client with the session that the browser has at a server. */
  client(server: string): Client {
    return new Client({ url: server, token: this.cookie(server, 'coder_session_token') ?? '' })
  }

  cookie(origin: string, name: string): string | undefined {
    return this.#jar(new URL(origin).origin).get(name)
  }

  setCookie(origin: string, name: string, value: string): void {
    this.#jar(new URL(origin).origin).set(name, value)
  }

  #jar(origin: string): Map<string, string> {
    const jar = this.#jars.get(origin) ?? new Map<string, string>()
    this.#jars.set(origin, jar)
    return jar
  }
}

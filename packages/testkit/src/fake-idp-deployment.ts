import type { Client } from '@slipway/client'
import type { Database } from '@slipway/server/database/index.ts'
import { IdentityProvider, type IdpClaims } from './fake-idp.ts'
import { CookieBrowser, type Visited } from './fake-idp-browser.ts'
import { openDatabase } from './postgres.ts'
import { startTestServer, type TestServer } from './server.ts'

const CALLBACK = '/api/v2/users/oidc/callback'

/** Somebody at the provider. */
interface IdpPerson {
  readonly subject: string
  readonly claims: IdpClaims
}

/** A server, the provider of OpenID Connect that people sign in with, and an owner who signs in with a password. */
export class OidcDeployment implements AsyncDisposable {
  readonly idp: IdentityProvider
  readonly server: TestServer
  readonly database: Database
  readonly owner: Client
  #people = 0

  private constructor(idp: IdentityProvider, server: TestServer, database: Database, owner: Client) {
    this.idp = idp
    this.server = server
    this.database = database
    this.owner = owner
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<OidcDeployment> {
    const idp = await IdentityProvider.start()
    const server = await startTestServer({
      env: { ...idp.env(env), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
    idp.allowRedirect(`${server.url}${CALLBACK}`)
    return new OidcDeployment(idp, server, await openDatabase(server.databaseUrl), await server.owner())
  }

  /** Somebody who was never here, who signs in at the provider from now on. */
  stranger(claims: IdpClaims = {}): IdpPerson {
    this.#people += 1
    const [subject, username] = [`subject-${this.#people}`, `person${this.#people}`]
    const all = {
      email: `${username}@corp.example`,
      email_verified: true,
      preferred_username: username,
      name: `Person ${this.#people}`,
      picture: 'https://corp.example/picture.png',
      ...claims,
    }
    this.idp.person(subject, all)
    return { subject, claims: all }
  }

  /** Signs in like a browser does, up to the page that it is sent to. */
  signIn(browser = new CookieBrowser(), query = ''): Promise<Visited> {
    return browser.signIn(this.server.url, CALLBACK, query)
  }

  /** Has somebody who was never here sign in. */
  async arrive(
    claims: IdpClaims = {},
  ): Promise<
    IdpPerson & { readonly browser: CookieBrowser; readonly client: Client; readonly end: Visited }
  > {
    const person = this.stranger(claims)
    const browser = new CookieBrowser()
    const end = await this.signIn(browser)
    return { ...person, browser, client: browser.client(this.server.url), end }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await this.idp[Symbol.asyncDispose]()
  }
}

import { expect } from 'vitest'

import { Client } from '@slipway/client'
import { getUser, getUserRoles } from '@slipway/contract'
import {
  CookieBrowser,
  IdentityProvider,
  openDatabase,
  startTestServer,
  type TestServer,
  type Visited,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const CALLBACK = '/api/v2/users/oidc/callback'

/** A server whose users sign in at a provider. */
export class Site implements AsyncDisposable {
  readonly server: TestServer
  readonly database: Database
  readonly idp: IdentityProvider
  readonly owner: Client
  readonly organizationId: string

  private constructor(parts: Pick<Site, 'server' | 'database' | 'idp' | 'owner' | 'organizationId'>) {
    this.server = parts.server
    this.database = parts.database
    this.idp = parts.idp
    this.owner = parts.owner
    this.organizationId = parts.organizationId
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<Site> {
    const idp = await IdentityProvider.start()
    const server = await startTestServer({
      env: { ...idp.env(env), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
    idp.allowRedirect(`${server.url}${CALLBACK}`)
    const owner = await server.owner()
    const organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
    return new Site({ server, idp, owner, organizationId, database: await openDatabase(server.databaseUrl) })
  }

  /** Signs somebody in with these claims, as a browser does. */
  visit(
    name: string,
    claims: Readonly<Record<string, unknown>>,
    browser = new CookieBrowser(),
    path = CALLBACK,
  ): Promise<Visited> {
    this.idp.person(name, {
      email: `${name}@corp.example`,
      email_verified: true,
      preferred_username: name,
      ...claims,
    })
    const isPage = (url: URL) => url.origin === this.server.url && url.pathname !== CALLBACK
    return browser.follow(`${this.server.url}${path}`, isPage)
  }

  /** The same, with what the user has after it. */
  async signIn(name: string, claims: Readonly<Record<string, unknown>>) {
    const browser = new CookieBrowser()
    const end = await this.visit(name, claims, browser)
    expect(end.status, end.text).toBe(307)
    const token = browser.cookie(this.server.url, 'coder_session_token') ?? ''
    const user = await new Client({ url: this.server.url, token }).call(getUser, { params: { user: 'me' } })
    const { roles, organization_roles: organizationRoles } = await this.owner.call(getUserRoles, {
      params: { user: user.id },
    })
    return {
      user,
      organizations: user.organization_ids,
      roles,
      organizationRoles,
      groups: await this.groupsOf(user.id),
    }
  }

  async groupsOf(userId: string): Promise<string[]> {
    const rows = await this.database.db
      .selectFrom('group_members as m')
      .innerJoin('groups as g', 'g.id', 'm.group_id')
      .select('g.name')
      .where('m.user_id', '=', userId)
      .orderBy('g.name')
      .execute()
    return rows.map(({ name }) => name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await this.idp[Symbol.asyncDispose]()
  }
}

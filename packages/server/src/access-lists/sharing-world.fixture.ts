import { randomUUID } from 'node:crypto'

import type { Client } from '@slipway/client'
import { getUser, listOrganizations } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const HELD = JSON.stringify({ scope: 'organization', owner: '', held: 'yes' })

export type Workspace = Awaited<ReturnType<typeof fixtures.workspace>>

/** A server with an owner and three members, and a template that all of them may use. */
export interface SharingWorld extends AsyncDisposable {
  readonly server: TestServer
  readonly database: Database
  readonly organization_id: string
  readonly owner: Client
  readonly dev: Client
  readonly friend: Client
  readonly other: Client
  readonly ids: Readonly<Record<'owner' | 'dev' | 'friend' | 'other', string>>
  readonly template: Awaited<ReturnType<typeof fixtures.template>>
  /** A running workspace. */
  readonly made: (owner_id: string, columns?: object) => Promise<Workspace>
}

/** Builds are held: no provisioner of the server takes them. */
export async function openSharingWorld(): Promise<SharingWorld> {
  await using steps = new AsyncDisposableStack()
  const server = steps.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  const database = steps.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  const owner = await server.owner()
  const [dev, friend, other] = [
    await server.user('dev'),
    await server.user('friend'),
    await server.user('other'),
  ]
  const idOf = async (client: Client) => (await client.call(getUser, { params: { user: 'me' } })).id
  const ids = {
    owner: await idOf(owner),
    dev: await idOf(dev),
    friend: await idOf(friend),
    other: await idOf(other),
  }
  const organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  const template = await fixtures.template(database.db, {
    organization_id,
    active_version_id: randomUUID(),
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  await fixtures.provisionerDaemon(database.db, { organization_id, tags: HELD })
  const version = await fixtures.templateVersion(database.db, {
    id: template.active_version_id,
    template,
    job: await fixtures.provisionerJob(database.db, {
      organization_id,
      type: 'template_version_import',
      tags: HELD,
    }),
  })
  const owned = steps.move()
  return {
    server,
    database,
    organization_id,
    owner,
    dev,
    friend,
    other,
    ids,
    template,
    made: async (owner_id, columns = {}) => {
      const row = await fixtures.workspace(database.db, { owner_id, template, ...columns })
      await fixtures.workspaceBuild(database.db, { workspace: row, version })
      return row
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  checkAuthorization,
  getUser,
  getWorkspace,
  listBuildParameters,
  listBuilds,
  listOrganizations,
  listWorkspaces,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

it('WS-5: while the database refuses us, answers are 5xx and never 401, and the session survives', async () => {
  const organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  const owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
  const database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const workspace = await fixtures.workspace(database.db, {
    owner_id,
    template: await fixtures.template(database.db, { organization_id }),
  })
  const build = await fixtures.workspaceBuild(database.db, { workspace })
  await database[Symbol.asyncDispose]()
  const calls = [
    () => owner.call(listBuildParameters, { params: { workspacebuild: build.id } }),
    () => owner.call(getWorkspace, { params: { workspace: workspace.id } }),
    () => owner.call(listBuilds, { params: { workspace: workspace.id } }),
    () => owner.call(listWorkspaces),
    () =>
      owner.call(checkAuthorization, {
        body: {
          checks: {
            read: { action: 'read', object: { resource_type: 'workspace', resource_id: workspace.id } },
          },
        },
      }),
  ]
  for (const call of calls) await call()

  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  const name = new URL(server.databaseUrl).pathname.slice(1)
  try {
    await admin.query(`alter database ${name} allow_connections false`)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ status: expect.toSatisfy((status) => status >= 500) })
  } finally {
    await admin.query(`alter database ${name} allow_connections true`)
    await admin.end()
  }
  for (const call of calls)
    await until('an answer', () =>
      call().then(
        () => true,
        (error) => {
          expect(error.status).not.toBe(401)
          return false
        },
      ),
    )
})

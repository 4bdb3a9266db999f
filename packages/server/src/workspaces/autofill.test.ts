import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createToken, getUser, listAutofillParameters } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let owner_id: string
let template: Awaited<ReturnType<(typeof fixtures)['template']>>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  owner_id = (await member.call(getUser, { params: { user: 'me' } })).id
  const organization = await database.db.selectFrom('organizations').selectAll().executeTakeFirstOrThrow()
  template = await fixtures.template(database.db, { organization_id: organization.id })
  const version = await fixtures.templateVersion(database.db, { template })
  for (const [name, ephemeral] of [
    ['region', false],
    ['size', false],
    ['once', true],
  ] as const)
    await fixtures.templateVersionParameter(database.db, {
      template_version_id: version.id,
      name,
      ephemeral,
    })
  const used = async (
    values: Record<string, string>,
    columns: {
      readonly owner_id?: string
      readonly transition?: 'start' | 'stop'
      readonly created_at: Date
    },
  ): Promise<void> => {
    const { owner_id: owned = owner_id, ...build } = columns
    const workspace = await fixtures.workspace(database.db, {
      template,
      organization_id: template.organization_id,
      owner_id: owned,
    })
    const made = await fixtures.workspaceBuild(database.db, {
      workspace,
      template_version_id: version.id,
      ...build,
    })
    for (const [name, value] of Object.entries(values))
      await fixtures.workspaceBuildParameter(database.db, { workspace_build_id: made.id, name, value })
  }
  const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute))
  await used({ region: 'eu', size: 'small' }, { created_at: at(1) })
  await used({ region: 'us', once: 'x', gone: 'y' }, { created_at: at(2) })
  await used({ region: 'stop' }, { created_at: at(3), transition: 'stop' })
  const { id: stranger } = await owner.call(getUser, { params: { user: 'me' } })
  await used({ region: 'theirs' }, { created_at: at(4), owner_id: stranger })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const asked = (client: Client, user: string, template_id: string) =>
  client.call(listAutofillParameters, { params: { user }, query: { template_id } })

describe('ID-23, WS-127: values that were used before', () => {
  it('are the last ones of start builds of own workspaces, the newest first', async () => {
    expect(await asked(member, 'me', template.id)).toEqual([
      { name: 'region', value: 'us' },
      { name: 'size', value: 'small' },
    ])
    expect(await asked(owner, 'member', template.id)).toHaveLength(2)
  })

  it('are those of one template', async () => {
    expect(await asked(member, 'me', randomUUID())).toEqual([])
  })

  it('are for nobody else', async () => {
    const other = await server.user('other')
    for (const user of ['member', owner_id])
      await expect(asked(other, user, template.id)).rejects.toMatchObject({ status: 404 })
  })

  it('are shown to nobody who may not read the workspaces they were used in', async () => {
    // They hold what people type, secrets among it.
    const admin = await server.user('people', ['user-admin'])
    expect(await asked(admin, 'member', template.id)).toEqual([])
    const { key } = await member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['user:read', 'user:read_personal'] },
    })
    expect(await asked(new Client({ url: server.url, token: key }), 'me', template.id)).toEqual([])
  })

  it('are asked for with a template and nothing else', async () => {
    const { key } = await member.call(createToken, { params: { user: 'me' }, body: {} })
    const get = (query: string) =>
      fetch(`${server.url}/api/v2/users/me/autofill-parameters${query}`, {
        headers: { 'Coder-Session-Token': key },
      })
    for (const query of ['', '?template_id=', '?template_id=x', `?template_id=${template.id}&limit=1`]) {
      const answer = await get(query)
      expect([query, answer.status]).toEqual([query, 400])
      expect(await answer.json()).toMatchObject({ validations: [{ field: expect.any(String) }] })
    }
    expect((await get(`?template_id=${template.id}`)).status).toBe(200)
  })
})

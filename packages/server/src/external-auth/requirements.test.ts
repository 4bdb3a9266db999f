import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createWorkspace,
  deleteExternalAuth,
  listTemplateVersionExternalAuth,
  type Template,
} from '@slipway/contract'
import {
  connectTo,
  FakeGitProvider,
  fixtures,
  importTemplate,
  openDatabase,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  externalAuth: [{ id: 'fake' }, { id: 'second' }, { id: 'nice', optional: true }],
  workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }),
})`

let fake: FakeGitProvider
let server: TestServer
let owner: Client
let member: Client
let template: Template

beforeAll(async () => {
  fake = await FakeGitProvider.start()
  server = await startTestServer({
    env: {
      ...fake.settings(0, { DISPLAY_NAME: 'The fake' }),
      ...fake.settings(1, { ID: 'second' }),
      ...fake.settings(2, { ID: 'nice' }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_PROVISIONER_DAEMONS: '1',
    },
  })
  owner = await server.owner()
  member = await server.user('member')
  template = await importTemplate(owner, 'needs', { 'template.ts': SOURCE })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await fake[Symbol.asyncDispose]()
})
beforeEach(async () => {
  for (const client of [owner, member])
    for (const id of ['fake', 'second', 'nice'])
      await client.call(deleteExternalAuth, { params: { externalauth: id } }).catch(() => undefined)
  fake.requests.length = 0
})

let made = 0
function create(client: Client, user = 'me') {
  made += 1
  return client.call(createWorkspace, {
    params: { user },
    body: { name: `w${made}`, template_id: template.id },
  })
}
const required = (client: Client, user?: string) =>
  client.call(listTemplateVersionExternalAuth, {
    params: { templateversion: template.active_version_id },
    query: user === undefined ? {} : { user_id: user },
  })
async function idOf(username: string): Promise<string> {
  await using database = await openDatabase(server.databaseUrl)
  const row = database.db.selectFrom('users').select('id').where('username', '=', username)
  return (await row.executeTakeFirstOrThrow()).id
}
async function workspaces(): Promise<number> {
  await using database = await openDatabase(server.databaseUrl)
  return (await database.db.selectFrom('workspaces').select('id').execute()).length
}

describe('WS-131: what a template asks for', () => {
  it('without it there is no workspace, and every provider that is missing is named', async () => {
    const before = await workspaces()
    await expect(create(member)).rejects.toMatchObject({
      status: 403,
      message: 'External authentication is required to create a workspace with this template.',
      validations: [
        { field: 'external_auth', detail: 'fake' },
        { field: 'external_auth', detail: 'second' },
      ],
    })
    await connectTo(member, fake)
    await expect(create(member)).rejects.toMatchObject({
      validations: [{ field: 'external_auth', detail: 'second' }],
    })
    expect(await workspaces()).toBe(before)
  })

  it('with it, and without what is optional, there is one', async () => {
    await connectTo(member, fake)
    await connectTo(member, fake, { id: 'second' })
    expect(await create(member)).toMatchObject({ owner_name: 'member' })
  })

  it('a connection that the provider refuses does not count', async () => {
    await connectTo(member, fake)
    await connectTo(member, fake, { id: 'second' })
    for (const token of fake.accessTokens) fake.forget(token)
    await expect(create(member)).rejects.toMatchObject({ status: 403 })
  })

  it('what counts are the connections of the owner, not of who makes it', async () => {
    for (const id of ['fake', 'second']) await connectTo(owner, fake, { id })
    const before = await workspaces()
    await expect(create(owner, 'member')).rejects.toMatchObject({
      status: 403,
      validations: [{ detail: 'fake' }, { detail: 'second' }],
    })
    expect(await workspaces()).toBe(before)
    for (const id of ['fake', 'second']) await connectTo(member, fake, { id })
    await owner.call(deleteExternalAuth, { params: { externalauth: 'fake' } })
    expect(await create(owner, 'member')).toMatchObject({ owner_name: 'member' })
  })

  it('who may not make workspaces for somebody does not get their tokens tried', async () => {
    await connectTo(owner, fake)
    fake.requests.length = 0
    await expect(create(member, 'owner')).rejects.toMatchObject({ status: 403 })
    expect(fake.requests).toEqual([])
  })

  it('a provider that is away is our failure, and no refusal', async () => {
    await connectTo(member, fake)
    fake.stage('/user', { status: 500 })
    await expect(create(member)).rejects.toMatchObject({ status: 500 })
  })
})

describe('WS-113: the list of what a version asks for', () => {
  it('says what is connected and where to connect', async () => {
    await connectTo(member, fake)
    expect(await required(member)).toEqual([
      {
        id: 'fake',
        type: 'fake',
        display_name: 'The fake',
        display_icon: '/emojis/1f511.png',
        authenticate_url: `${server.url}/external-auth/fake`,
        authenticated: true,
        optional: false,
      },
      expect.objectContaining({ id: 'second', authenticated: false, optional: false }),
      expect.objectContaining({ id: 'nice', authenticated: false, optional: true }),
    ])
    for (const token of fake.accessTokens) fake.forget(token)
    expect((await required(member))[0]).toMatchObject({ id: 'fake', authenticated: false })
  })

  it('of another user is for who may make workspaces for them', async () => {
    await connectTo(member, fake)
    expect((await required(owner, await idOf('member')))[0]).toMatchObject({ authenticated: true })
    expect((await required(owner))[0]).toMatchObject({ authenticated: false })
    await connectTo(owner, fake)
    fake.requests.length = 0
    await expect(required(member, await idOf('owner'))).rejects.toMatchObject({ status: 403 })
    expect(fake.requests).toEqual([])
  })

  it('a provider that is not configured any more is 404', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const version = await fixtures.templateVersion(db, {
      template_id: template.id,
      organization_id: template.organization_id,
      created_by: await idOf('owner'),
      external_auth_providers: JSON.stringify([{ id: 'gone' }]),
    })
    await expect(
      owner.call(listTemplateVersionExternalAuth, { params: { templateversion: version.id } }),
    ).rejects.toMatchObject({ status: 404, message: expect.stringContaining('gone') })
  })
})

it('PR-93: an import that asks for a provider that is not configured fails, and keeps what it found', async () => {
  const source = SOURCE.replace("'second'", "'nowhere'")
  await expect(importTemplate(owner, 'broken', { 'template.ts': source })).rejects.toThrow(
    'external auth provider "nowhere" is not configured',
  )
  await using database = await openDatabase(server.databaseUrl)
  const version = await database.db
    .selectFrom('template_versions')
    .select(['job_id', 'external_auth_providers'])
    .where('template_id', 'is', null)
    .executeTakeFirstOrThrow()
  expect(version.external_auth_providers).toMatchObject([{ id: 'fake' }, { id: 'nowhere' }, { id: 'nice' }])
  const resources = await database.db
    .selectFrom('workspace_resources')
    .select('id')
    .where('job_id', '=', version.job_id)
    .execute()
  expect(resources.length).toBeGreaterThan(0)
})

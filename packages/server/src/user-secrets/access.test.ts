import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  createUserSecret,
  deleteUserSecret,
  getUser,
  getUserSecret,
  importUserSecrets,
  listUserSecrets,
  updateUserSecret,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { findAgentByToken } from '../agents/index.ts'
import { systemActor } from '../authz/index.ts'
import { ensureSecret, loadDeploymentSecrets } from '../secrets/index.ts'
import { enabledSecretsOf } from './index.ts'

const MARK = 'hunter2-in-the-clear'
const log: string[] = []
let server: TestServer
let owner: Client
let member: Client
let memberId: string

beforeAll(async () => {
  const sink = { write: (line: string) => log.push(line) }
  server = await startTestServer({ log: createLogger({ level: 'trace', sink }) })
  owner = await server.owner()
  member = await server.user('member')
  memberId = (await member.call(getUser, { params: { user: 'me' } })).id
  const body = { name: 'token', value: MARK, env_name: 'TOKEN', description: 'd' }
  await member.call(createUserSecret, { params: { user: 'me' }, body })
})
afterAll(() => server[Symbol.asyncDispose]())

/** The status of each thing that can be done to a secret. */
async function statuses(client: Client, user: string): Promise<Record<string, number>> {
  const params = { user, name: 'token' }
  const calls: Record<string, () => Promise<unknown>> = {
    list: () => client.call(listUserSecrets, { params }),
    read: () => client.call(getUserSecret, { params }),
    change: () => client.call(updateUserSecret, { params, body: { description: 'changed' } }),
    create: () => client.call(createUserSecret, { params, body: { name: 'n', value: 'v', env_name: 'N' } }),
    import: () => client.call(importUserSecrets, { params, body: { format: 'env', content: 'A=b' } }),
    delete: () => client.call(deleteUserSecret, { params }),
  }
  const found: Record<string, number> = {}
  for (const [name, call] of Object.entries(calls))
    found[name] = await call().then(
      () => 200,
      (error: { readonly status: number }) => error.status,
    )
  return found
}

const all = (status: number) => ({
  list: status,
  read: status,
  change: status,
  create: status,
  import: status,
  delete: status,
})
/** For who may see the user: what is there cannot be read, and the rest is refused. */
const REFUSED = { ...all(404), list: 403, create: 403, import: 403 }

async function scoped(client: Client, scopes: string[], allow_list?: string[]): Promise<Client> {
  const { key } = await client.call(createToken, {
    params: { user: 'me' },
    body: { scopes, ...(allow_list === undefined ? {} : { allow_list }) },
  })
  return new Client({ url: server.url, token: key })
}

describe('ID-194: only the user reads and writes them', () => {
  it('ID-194: another member finds nothing', async () => {
    expect(await statuses(await server.user('other'), 'member')).toEqual(all(404))
    expect(await statuses(server.anonymous, 'member')).toEqual(all(401))
  })

  it.each(['owner', 'user-admin', 'template-admin', 'auditor'])(
    'ID-194: neither does the role %s',
    async (role) => {
      const client = role === 'owner' ? owner : await server.user(`a-${role}`, [role])
      expect(await statuses(client, 'member')).toEqual(REFUSED)
      expect(await statuses(client, memberId)).toEqual(REFUSED)
    },
  )

  it('ID-194: the user has what nobody has changed', async () => {
    expect(await member.call(listUserSecrets, { params: { user: 'member' } })).toMatchObject([
      { name: 'token', description: 'd' },
    ])
  })

  it.each([[['workspace:*', 'user:*']], [['template:read']], [['coder:workspaces.access']]])(
    'ID-75: a token of the user with the scopes %j gets nothing',
    async (scopes) => {
      expect(await statuses(await scoped(member, scopes), 'me')).toEqual(REFUSED)
    },
  )

  it('ID-75: a token for reading secrets does that and no more', async () => {
    expect(await statuses(await scoped(member, ['user_secret:read']), 'me')).toEqual({
      ...all(403),
      list: 200,
      read: 200,
    })
  })

  it('ID-86: a token for one secret sees that one', async () => {
    const { id } = await member.call(getUserSecret, { params: { user: 'me', name: 'token' } })
    await member.call(createUserSecret, {
      params: { user: 'me' },
      body: { name: 'second', value: 'v', env_name: 'SECOND' },
    })
    const client = await scoped(member, ['user_secret:*'], [`user_secret:${id}`])
    const names = (await client.call(listUserSecrets, { params: { user: 'me' } })).map(({ name }) => name)
    expect(names).toEqual(['token'])
    const params = { user: 'me', name: 'second' }
    await expect(client.call(getUserSecret, { params })).rejects.toMatchObject({ status: 404 })
    await expect(client.call(deleteUserSecret, { params })).rejects.toMatchObject({ status: 404 })
    await expect(
      client.call(updateUserSecret, { params: { user: 'me', name: 'token' }, body: { description: 'd' } }),
    ).resolves.toMatchObject({ name: 'token' })
  })
})

describe('AC-70: agents of the user', () => {
  async function agentOf(scope: 'all' | 'no_user_data', owner_id: string) {
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const { organization_ids } = await member.call(getUser, { params: { user: 'me' } })
    const organization_id = organization_ids[0] ?? ''
    const template = await fixtures.template(db, { organization_id })
    const workspace = await fixtures.workspace(db, { owner_id, organization_id, template })
    const build = await fixtures.workspaceBuild(db, { workspace })
    const token = randomUUID()
    await fixtures.workspaceAgent(db, {
      resource: await fixtures.workspaceResource(db, { build }),
      auth_token_hash: createHash('sha256').update(token).digest(),
      api_key_scope: scope,
    })
    const agent = await findAgentByToken(systemActor('system_restricted', 'a test'), db, token, {
      disableOwnerWorkspaceAccess: false,
      disableWorkspaceSharing: false,
      disableChatSharing: false,
      disableTasks: false,
    })
    if (agent === undefined) throw new Error('the agent is not found')
    return agent
  }

  async function injected(agent: Parameters<typeof enabledSecretsOf>[1]) {
    await using database = await openDatabase(server.databaseUrl)
    const keys = systemActor('crypto_key_rotator', 'a test')
    const secrets = await loadDeploymentSecrets({
      shared: (feature, fresh) => ensureSecret(keys, database.db, feature, fresh),
      checkKeys: async () => undefined,
      configuredKeys: [],
      keyDirectory: undefined,
    })
    return await enabledSecretsOf({ database, secrets }, agent)
  }

  it('AC-70: get the enabled ones in the clear, others do not', async () => {
    const params = { user: 'me' }
    for (const body of [
      { name: 'disabled', value: 'v', env_name: 'DISABLED', enabled: false },
      { name: 'file', value: 'ä$HOME\n', file_path: '~/.netrc' },
    ])
      await member.call(createUserSecret, { params, body })
    const agent = await agentOf('all', memberId)
    expect(await injected(agent)).toEqual([
      { name: 'file', envName: '', filePath: '~/.netrc', value: 'ä$HOME\n' },
      { name: 'second', envName: 'SECOND', filePath: '', value: 'v' },
      { name: 'token', envName: 'TOKEN', filePath: '', value: MARK },
    ])
    await member.call(updateUserSecret, { params: { user: 'me', name: 'file' }, body: { value: 'new' } })
    expect((await injected(agent))[0]).toMatchObject({ name: 'file', value: 'new' })
  })

  it('AC-70: an agent that is kept from user data, or of another owner, gets none', async () => {
    await expect(injected(await agentOf('no_user_data', memberId))).rejects.toMatchObject({ status: 403 })
    const { id: ownerId } = await owner.call(getUser, { params: { user: 'me' } })
    const foreign = await agentOf('all', ownerId)
    await expect(injected({ actor: foreign.actor, ownerId: memberId })).rejects.toMatchObject({ status: 403 })
    expect(await injected(foreign)).toEqual([])
  })

  it('ID-194: what provisions workspaces gets none, although it may read personal data', async () => {
    const actor = systemActor('provisionerd', 'a test')
    await expect(injected({ actor, ownerId: memberId })).rejects.toMatchObject({ status: 403 })
  })
})

it('ID-194, OP-67: a value is in no answer, no log line and no column', async () => {
  const bodies: string[] = []
  const send = async (method: string, path: string, body?: unknown): Promise<number> => {
    const response = await fetch(`${server.url}/api/v2/users/me/secrets${path}`, {
      method,
      headers: member.headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    bodies.push(await response.text())
    return response.status
  }
  const env_name = 'MARKED'
  expect(await send('POST', '', { name: 'marked', value: MARK, env_name })).toBe(201)
  expect(await send('POST', '', { name: 'marked', value: MARK, env_name })).toBe(409)
  expect(await send('POST', '', { name: 'm', value: `${MARK}\0`, env_name })).toBe(400)
  expect(await send('POST', '', { name: 'm', value: MARK.repeat(2000), env_name })).toBe(400)
  expect(await send('POST', '', { name: 'm', value: [MARK], env_name })).toBe(400)
  expect(await send('PATCH', '/marked', { value: MARK, env_name: 'PATH' })).toBe(400)
  expect(await send('PATCH', '/marked', { value: MARK })).toBe(200)
  expect(await send('GET', '/marked')).toBe(200)
  expect(await send('GET', '')).toBe(200)
  for (const [format, content] of [
    ['env', `A="${MARK}`],
    ['env', MARK],
    ['json', `{"A": "${MARK}"`],
    ['json', `{"A": ["${MARK}"]}`],
    ['yaml', `A: "${MARK}`],
    ['yaml', `A: !<${MARK} x`],
    ['yaml', `A: {B: ${MARK}}`],
    ['yaml', `A: ${MARK}\nA: ${MARK}`],
  ])
    expect(await send('POST', '/batch', { format, content }), content).toBe(400)
  expect(await send('POST', '/batch', { format: 'env', content: `MARKED_TOO=${MARK}` })).toBe(201)
  expect(bodies.join()).not.toContain(MARK)
  expect(log.length).toBeGreaterThan(10)
  expect(log.join()).not.toContain(MARK)

  await using database = await openDatabase(server.databaseUrl)
  const rows = await database.db.selectFrom('user_secrets').selectAll().execute()
  const sealed = rows.filter(({ name }) => name.toLowerCase().startsWith('marked'))
  expect(sealed).toHaveLength(2)
  for (const { value } of sealed) expect(value.includes(MARK)).toBe(false)
  expect(sealed[0]?.value.equals(sealed[1]?.value ?? Buffer.alloc(0))).toBe(false)
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  assignMemberRoles,
  createFirstUser,
  createToken,
  createUser,
  deleteKey,
  deleteUser,
  expireKey,
  getUser,
  getUserRoles,
  listSiteRoles,
  listTokens,
  listUsers,
  login,
  openWorkspaceTunnel,
  suspendUser,
  updateProfile,
  updateUserRoles,
} from '@slipway/contract'
import {
  fixtures,
  makeTenant,
  openDatabase,
  PASSWORD,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

const NIL = '00000000-0000-0000-0000-000000000000'
const DAY_MS = 86_400_000
const me = { params: { user: 'me' } }

let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const newUser = (username: string, more: object = {}) => ({
  body: {
    username,
    email: `${username}@example.com`,
    password: PASSWORD,
    organization_ids: [NIL],
    ...more,
  },
})

describe('names of users', () => {
  const long = 'é'.repeat(65)
  const field = (name: string) => ({
    status: 400,
    message: 'Validation failed.',
    validations: [expect.objectContaining({ field: name })],
  })

  it.each(['me', 'ME', 'new', 'create'])('ID-4, ID-218: nobody is called %s', async (username) => {
    await expect(owner.call(createUser, newUser(username))).rejects.toMatchObject(field('username'))
    const session = await server.user(`renamed-${username}`)
    await owner.call(updateUserRoles, {
      params: { user: `renamed-${username}` },
      body: { roles: ['user-admin'] },
    })
    await expect(session.call(updateProfile, { ...me, body: { username, name: '' } })).rejects.toMatchObject(
      field('username'),
    )
    await owner.call(deleteUser, { params: { user: `renamed-${username}` } })
  })

  it.each(['a'.repeat(33), 'a--b', '-a', 'a_b', ''])('ID-4: %j is no user name', async (username) => {
    await expect(
      owner.call(createUser, newUser(username, { email: 'odd@example.com' })),
    ).rejects.toMatchObject(field('username'))
    await expect(owner.call(updateProfile, { ...me, body: { username, name: '' } })).rejects.toMatchObject(
      field('username'),
    )
  })

  it('ID-4: a real name has 128 bytes at most', async () => {
    await expect(owner.call(createUser, newUser('longname', { name: long }))).rejects.toMatchObject(
      field('name'),
    )
    for (const name of [long, ' padded '])
      await expect(
        owner.call(updateProfile, { ...me, body: { username: 'owner', name } }),
      ).rejects.toMatchObject(field('name'))
    const made = await owner.call(createUser, newUser('fitting', { name: ` ${'é'.repeat(64)} ` }))
    expect(made.name).toBe('é'.repeat(64))
  })

  it('ID-4, ID-12: also of the first user', async () => {
    await using fresh = await startTestServer()
    const body = { email: 'first@example.com', username: 'first', password: PASSWORD }
    const create = (more: object) => fresh.anonymous.call(createFirstUser, { body: { ...body, ...more } })
    await expect(create({ name: long })).rejects.toMatchObject(field('name'))
    await expect(create({ username: 'me' })).rejects.toMatchObject(field('username'))
    await create({})
  })
})

describe('making users', () => {
  it('ID-12: who exists is asked before anything costly is done', async () => {
    await expect(
      server.anonymous.call(createFirstUser, {
        body: { email: 'x@example.com', username: 'x', password: 'weak' },
      }),
    ).rejects.toMatchObject({ status: 409 })
  })

  it('ID-7: a user has a git key from the first moment', async () => {
    const { id } = await owner.call(createUser, newUser('keyholder'))
    const mine = (await owner.call(getUser, me)).id
    const rows = await database.db
      .selectFrom('git_ssh_keys')
      .select(['user_id', 'public_key'])
      .where('user_id', 'in', [id, mine])
      .execute()
    expect(rows.map((row) => row.user_id).toSorted()).toEqual([id, mine].toSorted())
    expect(rows[0]?.public_key).toMatch(/^ssh-ed25519 /)
  })

  it('ID-15: the default organization may be named twice', async () => {
    const id = (await owner.call(getUser, me)).organization_ids[0] ?? ''
    const made = await owner.call(createUser, newUser('twice', { organization_ids: [NIL, id] }))
    expect(made.organization_ids).toEqual([id])
  })

  it('ID-15: the id of an organization means the same in capitals', async () => {
    const id = (await owner.call(getUser, me)).organization_ids[0] ?? ''
    const made = await owner.call(
      createUser,
      newUser('capitals', { organization_ids: [id.toUpperCase(), id] }),
    )
    expect(made.organization_ids).toEqual([id])
  })

  it.each([
    ['no organization', { organization_ids: [] }, 400],
    ['an unknown organization', { organization_ids: ['00000000-0000-4000-8000-000000000000'] }, 404],
    ['a weak password', { password: 'weak' }, 400],
    ['no password', { password: '' }, 400],
    ['no address', { email: '' }, 400],
    ['no valid address', { email: 'odd' }, 400],
    ['no login and no service account', { login_type: 'none', password: '' }, 400],
    ['a password for another login type', { login_type: 'oidc' }, 400],
    ['a provider that is not there', { login_type: 'oidc', password: '' }, 400],
    ['a login type of keys', { login_type: 'token', password: '' }, 400],
    ['a service account with a password', { service_account: true, email: '' }, 400],
    ['a service account with an address', { service_account: true, password: '' }, 400],
    [
      'a service account that signs in',
      { service_account: true, email: '', password: '', login_type: 'password' },
      400,
    ],
    ['a taken address', { email: 'OWNER@example.com' }, 409],
  ])('ID-16: %s is refused', async (_what, more, status) => {
    await expect(owner.call(createUser, newUser('refused', more))).rejects.toMatchObject({ status })
    await expect(owner.call(getUser, { params: { user: 'refused' } })).rejects.toMatchObject({ status: 404 })
  })

  it('ID-5, ID-15: a service account has neither address nor password', async () => {
    const made = await owner.call(
      createUser,
      newUser('robot', { service_account: true, email: '', password: '' }),
    )
    expect(made).toMatchObject({ email: '', login_type: 'none', status: 'dormant', is_service_account: true })
  })

  it('ID-16: only who may make users, and only with roles that they may hand out', async () => {
    const plain = await server.user('plain')
    await expect(plain.call(createUser, newUser('child', { password: 'weak' }))).rejects.toMatchObject({
      status: 403,
    })
    const admin = await server.user('useradmin', ['user-admin'])
    await expect(admin.call(createUser, newUser('boss', { roles: ['owner'] }))).rejects.toMatchObject({
      status: 403,
      message: 'not authorized to assign role "owner"',
    })
    await expect(admin.call(createUser, newUser('boss', { roles: ['emperor'] }))).rejects.toMatchObject({
      status: 400,
    })
    await admin.call(createUser, newUser('child'))
  })
})

describe('searching users', () => {
  const search = async (q: string) =>
    (await owner.call(listUsers, { query: { q } })).users.map((user) => user.username)

  it('ID-25, RB-90: the grammar is that of all searches', async () => {
    await server.user('findme')
    await server.user('findaudit', ['auditor'])
    expect(await search('status:active,dormant find')).toEqual(['findaudit', 'findme'])
    expect(await search('status:active status:dormant username:findme')).toEqual(['findme'])
    expect(await search('role:member find')).toEqual(['findaudit', 'findme'])
    expect(await search('role:member,auditor find')).toEqual(['findaudit'])
    expect(await search('service_account:0 username:findme')).toEqual(['findme'])
    expect(await search('login_type:password "findme"')).toEqual(['findme'])
    expect(await search('github_com_user_id:7')).toEqual([])
  })

  it.each([
    ['username:a username:b', 'username'],
    ['login_type:telepathy', 'login_type'],
    ['github_com_user_id:x', 'github_com_user_id'],
    ['created_before:yesterday', 'created_before'],
    ['a:b:c', 'q'],
    ['status:', 'q'],
    ['colour:red', 'colour'],
  ])('ID-25: %s is refused', async (q, field) => {
    await expect(search(q)).rejects.toMatchObject({
      status: 400,
      message: 'Invalid user search query.',
      validations: [expect.objectContaining({ field })],
    })
  })
})

describe('site roles', () => {
  it('RB-29, RB-41: are listed by name to those who may see them', async () => {
    const names = (await owner.call(listSiteRoles)).map((role) => role.name)
    expect(names).toEqual(['auditor', 'owner', 'template-admin', 'user-admin'])
    const { key } = await owner.call(createToken, { ...me, body: { scopes: ['workspace:read'] } })
    await expect(new Client({ url: server.url, token: key }).call(listSiteRoles)).rejects.toMatchObject({
      status: 403,
    })
  })

  it('RB-4: what everybody has anyway is not stored, and neither is a role twice', async () => {
    const made = await owner.call(
      createUser,
      newUser('everybody', { roles: ['member', 'auditor', 'auditor'] }),
    )
    expect(made.roles.map(({ name }) => name)).toEqual(['auditor'])
    const changed = await owner.call(updateUserRoles, {
      params: { user: 'everybody' },
      body: { roles: ['template-admin', 'member', 'template-admin'] },
    })
    expect(changed.roles.map(({ name }) => name)).toEqual(['template-admin'])
    const params = { organization: 'default', user: 'everybody' }
    const member = await owner.call(assignMemberRoles, { params, body: { roles: ['organization-member'] } })
    expect(member.roles).toEqual([])
    await expect(
      owner.call(assignMemberRoles, { params, body: { roles: ['organization-service-account'] } }),
    ).rejects.toMatchObject({ status: 400 })
  })

  it('RB-41: of others are for those who may read what is personal of them', async () => {
    const auditor = await server.user('auditor1', ['auditor'])
    await expect(auditor.call(getUserRoles, { params: { user: 'owner' } })).rejects.toMatchObject({
      status: 404,
    })
    expect((await auditor.call(getUserRoles, me)).roles).toEqual(['auditor'])
  })
})

describe('owners', () => {
  it('RB-125: the last active owner keeps the role and the account', async () => {
    await using other = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
    const first = await other.owner()
    const second = await other.user('second', ['owner'])
    const demote = (by: Client, user: string) =>
      by.call(updateUserRoles, { params: { user }, body: { roles: [] } })
    await expect(first.call(suspendUser, { params: { user: 'second' } })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('"owner" role'),
    })

    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.allSettled([demote(first, 'second'), demote(second, 'owner')])
      const made = outcomes.map(({ status }) => status).toSorted()
      expect(made).toEqual(['fulfilled', 'rejected'])
      // Whoever is still an owner gives the role back.
      const left = outcomes[0]?.status === 'fulfilled' ? first : second
      const lost = outcomes[0]?.status === 'fulfilled' ? 'second' : 'owner'
      await left.call(updateUserRoles, { params: { user: lost }, body: { roles: ['owner'] } })
    }

    const removals = await Promise.allSettled([
      second.call(deleteUser, { params: { user: 'owner' } }),
      first.call(deleteUser, { params: { user: 'second' } }),
    ])
    expect(removals.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('keys', () => {
  it.each([
    ['behind', -3],
    ['ahead of', 3],
  ])('ID-49, ID-53: live by the clock of the server, also %s that of the database', async (_how, days) => {
    const now = new Date(Date.now() + days * DAY_MS)
    await using moved = await startTestServer({ clock: { now: () => now } })
    const admin = await moved.owner()
    const make = async (name: string) => {
      const body = { token_name: name, lifetime: DAY_MS * 1_000_000 }
      const { key } = await admin.call(createToken, { ...me, body })
      return { id: key.split('-')[0] ?? '', client: new Client({ url: moved.url, token: key }) }
    }
    const token = await make('moved')
    const listed = (await admin.call(listTokens, me)).find((one) => one.id === token.id)
    expect(listed).toMatchObject({
      created_at: now.toISOString(),
      expires_at: new Date(now.getTime() + DAY_MS).toISOString(),
    })
    await token.client.call(getUser, me)
    await admin.call(expireKey, { params: { user: 'me', keyid: token.id } })
    await expect(token.client.call(getUser, me)).rejects.toMatchObject({ status: 401 })
    expect((await admin.call(listTokens, me)).map((one) => one.id)).not.toContain(token.id)
    const all = await admin.call(listTokens, { ...me, query: { include_expired: true } })
    expect(all.find((one) => one.id === token.id)?.expires_at).toBe(now.toISOString())
    await admin.call(deleteKey, { params: { user: 'me', keyid: token.id } })
  })

  it('ID-34, ID-46: a sign-out takes the cookie along, also one with the prefix of its host', async () => {
    for (const [prefix, name] of [
      ['false', 'coder_session_token'],
      ['true', '__Host-coder_session_token'],
    ] as const) {
      await using other = await startTestServer({
        env: { CODER_HOST_PREFIX_COOKIE: prefix, CODER_SECURE_AUTH_COOKIE: prefix },
      })
      await other.owner()
      const { session_token: token } = await other.anonymous.call(login, {
        body: { email: 'owner@example.com', password: PASSWORD },
      })
      const answer = await fetch(`${other.url}/api/v2/users/logout`, {
        method: 'POST',
        headers: { 'Coder-Session-Token': token },
      })
      const cookie = answer.headers.getSetCookie().find((one) => one.startsWith(`${name}=`)) ?? ''
      expect(cookie).toMatch(/^[\w-]+=; Path=\/; Max-Age=-1; HttpOnly/)
    }
  })

  it('ID-34: a key of any scope can end itself', async () => {
    const { key } = await owner.call(createToken, { ...me, body: { scopes: ['workspace:read'] } })
    const headers = { 'Coder-Session-Token': key }
    const call = () => fetch(`${server.url}/api/v2/users/logout`, { method: 'POST', headers })
    expect((await call()).status).toBe(200)
    expect((await call()).status).toBe(401)
  })
})

describe('RB-25: switches of the deployment', () => {
  const sharedWith = async (on: TestServer, client: Client) => {
    await using db = await openDatabase(on.databaseUrl)
    const user = await client.call(getUser, me)
    return await fixtures.workspace(db.db, {
      organization_id: user.organization_ids[0] ?? '',
      user_acl: JSON.stringify({ [user.id]: ['read', 'ssh'] }),
    })
  }
  const may = async (on: TestServer, client: Client, id: string, action: string) => {
    const answer = await fetch(`${on.url}/api/v2/authcheck`, {
      method: 'POST',
      headers: { ...client.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        checks: { one: { action, object: { resource_type: 'workspace', resource_id: id } } },
      }),
    })
    return ((await answer.json()) as { one: boolean }).one
  }

  it.each([
    ['false', true],
    ['true', false],
  ])('RB-25: CODER_DISABLE_OWNER_WORKSPACE_ACCESS=%s', async (value, expected) => {
    await using other = await startTestServer({ env: { CODER_DISABLE_OWNER_WORKSPACE_ACCESS: value } })
    const admin = await other.owner()
    const { id } = await sharedWith(other, await other.user('member'))
    expect(await may(other, admin, id, 'ssh')).toBe(expected)
    expect(await may(other, admin, id, 'read')).toBe(true)
    const listed = (await admin.call(listSiteRoles)).find(({ name }) => name === 'owner')
    expect(
      listed?.site_permissions.some((one) => one.resource_type === 'workspace' && one.action === 'ssh'),
    ).toBe(expected)
  })

  it('T23, RB-25: an owner without access to workspaces tunnels to their own alone', async () => {
    await using other = await startTestServer({ env: { CODER_DISABLE_OWNER_WORKSPACE_ACCESS: 'true' } })
    await using on = await openDatabase(other.databaseUrl)
    const admin = await other.owner()
    const statusOf = async (client: Client) => {
      const { id, organization_ids } = await client.call(getUser, me)
      const organizationId = organization_ids[0] ?? ''
      const { names } = await makeTenant(on, { ownerId: id, organizationId })
      const address = admin.address(openWorkspaceTunnel, {
        params: { workspaceagent: names.workspaceagent ?? '' },
      })
      return (await fetch(address, { headers: admin.headers })).status
    }
    expect(await statusOf(await other.user('member'))).toBe(403)
    // Let in, and told that a tunnel is a WebSocket.
    expect(await statusOf(admin)).toBe(426)
  })

  it.each([
    ['false', true],
    ['true', false],
  ])('RB-25: CODER_DISABLE_WORKSPACE_SHARING=%s', async (value, expected) => {
    await using other = await startTestServer({ env: { CODER_DISABLE_WORKSPACE_SHARING: value } })
    const admin = await other.owner()
    const member = await other.user('member')
    const { id } = await sharedWith(other, member)
    expect(await may(other, member, id, 'ssh')).toBe(expected)
    expect(await may(other, admin, id, 'share')).toBe(expected)
  })
})

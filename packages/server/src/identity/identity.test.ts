import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type ApiFailure, Client } from '@slipway/client'
import {
  activateUser,
  addMember,
  createFirstUser,
  createSessionKey,
  createToken,
  createUser,
  deleteKey,
  deleteUser,
  getAuthMethods,
  getFirstUser,
  getGitSshKey,
  getUser,
  getUserRoles,
  listMembers,
  listOrganizations,
  listSiteRoles,
  listTokens,
  listUsers,
  listWorkspaces,
  login,
  logout,
  regenerateGitSshKey,
  suspendUser,
  updatePassword,
  updateProfile,
  updateUserRoles,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

const refused = (status: number, message?: string) =>
  expect.objectContaining({
    status,
    ...(message === undefined ? {} : { message: expect.stringContaining(message) }),
  })
const me = { params: { user: 'me' } }

describe('first user and sign-in', () => {
  it('ID-12: there is one first user', async () => {
    const again = { email: 'x@example.com', username: 'x', password: PASSWORD }
    await expect(server.anonymous.call(createFirstUser, { body: again })).rejects.toEqual(refused(409))
  })

  it('ID-11, ID-203: while there is nobody it is said so; of many first users at once exactly one is made', async () => {
    await using fresh = await startTestServer()
    const first = () => fresh.anonymous.call(getFirstUser)
    await using database = await openDatabase(fresh.databaseUrl, { maxConnections: 1 })
    await fixtures.user(database.db, { username: 'prebuilds', is_system: true })
    await expect(first()).rejects.toEqual(refused(404, 'The initial user has not been created!'))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        fresh.anonymous.call(createFirstUser, {
          body: { email: `u${i}@example.com`, username: `u${i}`, password: PASSWORD },
        }),
      ),
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    await first()
  })

  it('ID-32: a wrong password and an unknown address get the same answer', async () => {
    const attempt = (email: string) =>
      server.anonymous
        .call(login, { body: { email, password: 'wrong-password-1' } })
        .catch((error: ApiFailure) => error)
    const [wrong, unknown] = await Promise.all([attempt('owner@example.com'), attempt('nobody@example.com')])
    expect(wrong).toMatchObject({ status: 401 })
    expect(unknown).toMatchObject({ status: 401, message: (wrong as ApiFailure).message })
  })

  it('ID-34: the session of a sign-out is gone at once', async () => {
    const session = await server.user('leaver')
    await session.call(getUser, me)
    await session.call(logout)
    await expect(session.call(getUser, me)).rejects.toEqual(refused(401))
  })

  it('ID-13, ID-175: the ways to sign in are public, and there is no app of ours at GitHub', async () => {
    expect(await server.anonymous.call(getAuthMethods)).toMatchObject({
      password: { enabled: true },
      github: { enabled: false, default_provider_configured: false },
      oidc: { enabled: false },
    })
  })
})

describe('users', () => {
  it('ID-16, ID-218: a weak password and a reserved name are refused', async () => {
    const body = {
      email: 'weak@example.com',
      username: 'weak',
      password: 'short',
      login_type: 'password' as const,
      organization_ids: ['00000000-0000-0000-0000-000000000000'],
    }
    await expect(owner.call(createUser, { body })).rejects.toEqual(refused(400))
    await expect(
      owner.call(createUser, { body: { ...body, username: 'me', password: PASSWORD } }),
    ).rejects.toEqual(refused(400))
  })

  it('ID-16: a name is taken whatever its case', async () => {
    await server.user('taken')
    await expect(
      owner.call(createUser, {
        body: {
          email: 'other@example.com',
          username: 'TAKEN',
          password: PASSWORD,
          login_type: 'password',
          organization_ids: ['00000000-0000-0000-0000-000000000000'],
        },
      }),
    ).rejects.toEqual(refused(409))
  })

  it('ID-25: users are searched by text, status and role, and unknown keys are refused', async () => {
    await server.user('finder')
    await server.user('audi', ['auditor'])
    const search = (q: string) => owner.call(listUsers, { query: { q } })
    expect((await search('find')).users.map((user) => user.username)).toEqual(['finder'])
    expect((await search('role:auditor')).users.map((user) => user.username)).toEqual(['audi'])
    expect((await search('status:suspended')).count).toBe(0)
    await expect(search('colour:red')).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'colour' }],
    })
  })

  it('ID-14: lists are paged by name and count all', async () => {
    const page = await owner.call(listUsers, { query: { limit: 1, offset: 1 } })
    expect(page.users).toHaveLength(1)
    expect(page.count).toBeGreaterThan(2)
  })

  it('ID-20, RB-7, 01 row 32: a suspended user is out at once, and in again when activated', async () => {
    const session = await server.user('sleepy')
    await owner.call(suspendUser, { params: { user: 'sleepy' } })
    await expect(session.call(getUser, me)).rejects.toEqual(
      refused(401, 'User is not active (status = "suspended"). Contact an admin to reactivate your account.'),
    )
    await owner.call(activateUser, { params: { user: 'sleepy' } })
    expect(await session.call(getUser, me)).toMatchObject({ status: 'active' })
  })

  it('ID-18: people change their own name but not their own user name without the right', async () => {
    const session = await server.user('self')
    await session.call(updateProfile, { ...me, body: { username: 'self', name: 'My Self' } })
    expect(await session.call(getUser, me)).toMatchObject({ name: 'My Self' })
  })

  it('ID-30: a new password needs the old one and ends all sessions', async () => {
    const session = await server.user('changer')
    const change = (old: string) =>
      session.call(updatePassword, { ...me, body: { old_password: old, password: 'Another-Password-2026!' } })
    await expect(change('not-the-old-one')).rejects.toMatchObject({ status: 400 })
    await change(PASSWORD)
    await expect(session.call(getUser, me)).rejects.toEqual(refused(401))
    await server.anonymous.call(login, {
      body: { email: 'changer@example.com', password: 'Another-Password-2026!' },
    })
  })

  it('ID-19: a deleted user is gone and the name is free', async () => {
    const session = await server.user('gone')
    await owner.call(deleteUser, { params: { user: 'gone' } })
    await expect(session.call(getUser, me)).rejects.toEqual(refused(401))
    await server.user('gone2')
    await expect(owner.call(deleteUser, me)).rejects.toEqual(refused(403))
  })

  it('ID-3: nothing more is done to a deleted user', async () => {
    await server.user('ghost')
    const { id } = await owner.call(getUser, { params: { user: 'ghost' } })
    await owner.call(deleteUser, { params: { user: 'ghost' } })
    expect(await owner.call(getUser, { params: { user: id } })).toMatchObject({ username: 'ghost' })
    await expect(owner.call(activateUser, { params: { user: id } })).rejects.toEqual(refused(404))
    await expect(owner.call(deleteUser, { params: { user: id } })).rejects.toEqual(refused(404))
    await expect(owner.call(createToken, { params: { user: id }, body: {} })).rejects.toEqual(refused(404))
  })

  it('RB-125: who administers users has no power over owners', async () => {
    await server.user('boss2', ['owner'])
    const admin = await server.user('useradmin2', ['user-admin'])
    await expect(admin.call(deleteUser, { params: { user: 'boss2' } })).rejects.toEqual(refused(403))
    await expect(
      admin.call(updateProfile, { params: { user: 'boss2' }, body: { username: 'pawn', name: '' } }),
    ).rejects.toEqual(refused(403))
    await expect(admin.call(activateUser, { params: { user: 'boss2' } })).rejects.toEqual(refused(403))
    for (const client of [admin, owner])
      await expect(client.call(suspendUser, { params: { user: 'boss2' } })).rejects.toEqual(refused(400))
  })

  it('RB-45: nobody suspends or deletes themselves, and only owners give an owner a password', async () => {
    const admin = await server.user('useradmin3', ['user-admin'])
    for (const client of [admin, owner]) {
      await expect(client.call(suspendUser, me)).rejects.toEqual(refused(400))
      await expect(client.call(deleteUser, me)).rejects.toEqual(refused(403, 'You cannot delete yourself!'))
    }
    const change = (client: Client, user: string) =>
      client.call(updatePassword, { params: { user }, body: { password: 'Another-Password-2026!' } })
    await server.user('boss3', ['owner'])
    await expect(change(admin, 'boss3')).rejects.toEqual(refused(400))
    await change(owner, 'boss3')
    await server.user('plain3')
    await change(admin, 'plain3')
  })

  it('RB-41: only who may assign a role assigns it, and nobody changes their own', async () => {
    const session = await server.user('climber')
    await expect(
      session.call(updateUserRoles, { params: { user: 'climber' }, body: { roles: ['owner'] } }),
    ).rejects.toMatchObject({ status: 400 })
    const admin = await server.user('useradmin', ['user-admin'])
    await expect(
      admin.call(updateUserRoles, { params: { user: 'climber' }, body: { roles: ['owner'] } }),
    ).rejects.toMatchObject({ message: expect.stringContaining('not authorized to assign role') })
    await owner.call(updateUserRoles, { params: { user: 'climber' }, body: { roles: ['auditor'] } })
    expect((await owner.call(getUserRoles, { params: { user: 'climber' } })).roles).toEqual(['auditor'])
    expect((await owner.call(listSiteRoles)).map((role) => role.name)).toContain('template-admin')
  })
})

describe('tokens', () => {
  it('ID-48, ID-54: a token works, is shown once, and is gone when deleted', async () => {
    const { key } = await owner.call(createToken, { ...me, body: { token_name: 'one' } })
    const holder = new Client({ url: server.url, token: key })
    expect(await holder.call(getUser, me)).toMatchObject({ username: 'owner' })
    const listed = await owner.call(listTokens, me)
    expect(JSON.stringify(listed)).not.toContain(key.split('-')[1])
    await owner.call(deleteKey, { params: { user: 'me', keyid: key.split('-')[0] ?? '' } })
    await expect(holder.call(getUser, me)).rejects.toEqual(refused(401))
  })

  it('ID-77: a scope narrows what a token may do', async () => {
    const { key } = await owner.call(createToken, {
      ...me,
      body: { token_name: 'narrow', scopes: ['workspace:read'] },
    })
    const holder = new Client({ url: server.url, token: key })
    expect((await holder.call(listWorkspaces)).count).toBe(0)
    await expect(holder.call(getUser, me)).rejects.toEqual(refused(404))
  })

  it('RB-120: a token makes no other that may do more than itself', async () => {
    const { key } = await owner.call(createToken, {
      ...me,
      body: { token_name: 'minter', scopes: ['api_key:create', 'user:read'] },
    })
    const minter = new Client({ url: server.url, token: key })
    await expect(minter.call(createToken, { ...me, body: {} })).rejects.toEqual(refused(403))
    await expect(minter.call(createSessionKey, me)).rejects.toEqual(refused(403))
    await minter.call(createToken, { ...me, body: { token_name: 'same', scopes: ['user:read'] } })
  })

  it('ID-84: an allow list narrows it to objects', async () => {
    const { key } = await owner.call(createToken, {
      ...me,
      body: {
        token_name: 'one-workspace',
        allow_list: ['workspace:7b1f5b8c-0e3e-4a52-9d4f-1b8a3d1c9f10'],
      },
    })
    const holder = new Client({ url: server.url, token: key })
    expect((await holder.call(listUsers)).count).toBe(0)
  })

  it('ID-49: a lifetime has a limit', async () => {
    await expect(
      owner.call(createToken, { ...me, body: { lifetime: 1e18, token_name: 'long' } }),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'lifetime' }] })
  })

  it('ID-62: a session that has expired is 401, told by the server clock', async () => {
    let now = new Date()
    await using moved = await startTestServer({ clock: { now: () => now } })
    await moved.owner()
    const session = await moved.user('late')
    await session.call(getUser, me)
    now = new Date(now.getTime() + 48 * 3_600_000)
    await expect(session.call(getUser, me)).rejects.toEqual(refused(401))
  })
})

describe('organizations and keys', () => {
  it('WS-40, WS-47: members are listed, and nobody is added twice', async () => {
    const [organization] = await owner.call(listOrganizations)
    await server.user('joiner')
    const params = { organization: organization?.id ?? '', user: 'joiner' }
    await expect(owner.call(addMember, { params })).rejects.toEqual(refused(400, 'already'))
    const members = await owner.call(listMembers, { params: { organization: 'default' } })
    expect(members.map((one) => one.username)).toContain('joiner')
  })

  it('ID-193: a git key is made once and can be replaced; others do not see it', async () => {
    const session = await server.user('coder')
    const first = await session.call(getGitSshKey, me)
    expect(first.public_key).toMatch(/^ssh-ed25519 /)
    expect(await session.call(getGitSshKey, me)).toEqual(first)
    const second = await session.call(regenerateGitSshKey, me)
    expect(second.public_key).not.toBe(first.public_key)
    const stranger = await server.user('stranger')
    await expect(stranger.call(getGitSshKey, { params: { user: 'coder' } })).rejects.toMatchObject({
      status: 404,
    })
  })
})

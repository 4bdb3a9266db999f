import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createUser,
  deleteUser,
  getOrganizationOfUser,
  getUser,
  listOrganizationsOfUser,
  updateProfile,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

const DEFAULT = '00000000-0000-0000-0000-000000000000'
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

/** A request for a user that is answered with 201, but for what is given. */
const asked = (given: object) => ({
  username: 'kim',
  email: 'kim@example.com',
  password: PASSWORD,
  organization_ids: [DEFAULT],
  ...given,
})
const make = (given: object, by = owner) => by.call(createUser, { body: asked(given) })
const robot = { service_account: true, email: '', password: '' }

describe('ID-15: a new user', () => {
  it('is dormant with a password, unless something else is asked for', async () => {
    expect(await make({ username: 'plain', email: 'plain@example.com' })).toMatchObject({
      status: 'dormant',
      login_type: 'password',
      roles: [],
      name: '',
      is_service_account: false,
      has_ai_seat: false,
      last_seen_at: '0001-01-01T00:00:00Z',
    })
    const more = { username: 'more', email: 'more@example.com', name: 'More', user_status: 'active' }
    expect(await make({ ...more, roles: ['auditor'] })).toMatchObject({
      status: 'active',
      name: 'More',
      roles: [{ name: 'auditor', display_name: 'Auditor' }],
    })
  })

  it('belongs to the organization that older clients name beside the list', async () => {
    const { id } = await fixtures.organization(database.db)
    await database.db
      .insertInto('groups')
      .values({ id, organization_id: id, name: 'Everyone' })
      .onConflict((on) => on.doNothing())
      .execute()
    const made = await make({ username: 'two', email: 'two@example.com', organization_id: id })
    expect(made.organization_ids).toHaveLength(2)
    expect(made.organization_ids).toContain(id)
  })
})

describe('ID-17: a user', () => {
  it('ID-1: has these fields, and none of what is kept of them inside', async () => {
    const answer = await fetch(`${server.url}/api/v2/users/me`, { headers: owner.headers })
    const shown = Object(await answer.json())
    expect(Object.keys(shown).sort()).toEqual([
      'avatar_url',
      'created_at',
      'email',
      'has_ai_seat',
      'id',
      'is_service_account',
      'last_seen_at',
      'login_type',
      'name',
      'organization_ids',
      'roles',
      'status',
      'theme_preference',
      'updated_at',
      'username',
    ])
    expect(shown).toMatchObject({
      status: 'active',
      login_type: 'password',
      roles: [{ name: 'owner', display_name: 'Owner' }],
      organization_ids: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    })
  })

  it('ID-143: is found as me, by id, and by name whatever its case; to strangers it is as absent as nobody', async () => {
    const found = await server.user('found')
    const self = await found.call(getUser, me)
    for (const user of [self.id, self.id.toUpperCase(), 'found', 'FOUND'])
      expect(await owner.call(getUser, { params: { user } }), user).toEqual(self)
    const absent = []
    for (const user of ['owner', 'nobody', randomUUID()]) {
      const answer = await fetch(found.address(getUser, { params: { user } }), { headers: found.headers })
      absent.push([answer.status, await answer.text()])
    }
    expect(absent[0]).toEqual([404, expect.stringContaining('Resource not found')])
    expect(absent).toEqual([absent[0], absent[0], absent[0]])
    await owner.call(deleteUser, { params: { user: 'found' } })
    await expect(owner.call(getUser, { params: { user: 'found' } })).rejects.toMatchObject({ status: 404 })
  })

  it('ID-24: is shown in those organizations that the caller may read as well', async () => {
    const shared = (await owner.call(listOrganizationsOfUser, me))[0]
    const hidden = await fixtures.organization(database.db, { name: 'hidden' })
    const both = await make({
      username: 'both',
      email: 'both@example.com',
      roles: ['user-admin'],
      organization_ids: [DEFAULT, hidden.id],
    })
    const auditor = await server.user('onlooker')
    await database.db
      .updateTable('organization_members')
      .set({ roles: ['organization-user-admin'] })
      .where('user_id', '=', (await auditor.call(getUser, me)).id)
      .execute()
    const names = async (client: Client) =>
      (await client.call(listOrganizationsOfUser, { params: { user: both.id } })).map(({ name }) => name)
    expect((await names(owner)).sort()).toEqual([shared?.name, 'hidden'].sort())
    await expect.poll(() => names(auditor).catch(({ status }) => status)).toEqual([shared?.name])
    const one = (client: Client, organizationname: string) =>
      client.call(getOrganizationOfUser, { params: { user: both.id, organizationname } })
    expect((await one(auditor, shared?.name ?? '')).id).toBe(shared?.id)
    expect((await one(owner, 'HIDDEN')).id).toBe(hidden.id)
    for (const name of ['hidden', 'nowhere'])
      await expect(one(auditor, name)).rejects.toMatchObject({ status: 404 })
  })
})

describe('ID-16: is refused', () => {
  it.each([
    ['without an organization', { organization_ids: [] }, 400, 'organization_ids'],
    ['without an address', { email: undefined }, 400, 'email'],
    ['with half an address', { email: 'kim' }, 400, 'email'],
    ['with a weak password', { password: 'weak' }, 400, 'password'],
    ['without a password', { password: undefined }, 400, 'password'],
    ['of a name that is none', { username: 'kim--kim' }, 400, 'username'],
    ['with a password for another login', { login_type: 'oidc' }, 400, undefined],
    ['of a login that is not configured', { login_type: 'oidc', password: '' }, 400, undefined],
    ['of no login', { login_type: 'none', password: '' }, 400, undefined],
    ['of a login that is for keys', { login_type: 'token', password: '' }, 400, undefined],
    ['as a service account with a password', { ...robot, password: PASSWORD }, 400, undefined],
    ['as a service account with an address', { ...robot, email: 'r@example.com' }, 400, undefined],
    ['as a service account that signs in', { ...robot, login_type: 'password' }, 400, undefined],
    ['in an organization that is not there', { organization_ids: [randomUUID()] }, 404, 'organization_ids'],
    ['of a name that is taken', { username: 'OWNER' }, 409, undefined],
    ['of an address that is taken', { email: 'OWNER@example.com' }, 409, undefined],
  ])('%s', async (_what, given, status, field) => {
    await expect(make(given)).rejects.toMatchObject({
      status,
      ...(status === 409 ? { message: 'User already exists.' } : {}),
      ...(field === undefined ? {} : { validations: [expect.objectContaining({ field })] }),
    })
  })

  it('where passwords are off, 403', async () => {
    await using closed = await startTestServer({
      env: { CODER_DISABLE_PASSWORD_AUTH: 'true' },
      databaseUrl: server.databaseUrl,
    })
    const answer = await fetch(`${closed.url}/api/v2/users`, {
      method: 'POST',
      headers: owner.headers,
      body: JSON.stringify(asked({})),
    })
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { message: 'Password authentication is disabled.' },
    ])
  })
})

describe('ID-18: a profile', () => {
  it('changes its username with the right to, and is not found without', async () => {
    const self = await server.user('self')
    const rename = (client: Client, user: string, username: string) =>
      client.call(updateProfile, { params: { user }, body: { username, name: '' } })
    await expect(rename(self, 'me', 'other')).rejects.toMatchObject({ status: 404 })
    expect((await rename(owner, 'self', 'other')).username).toBe('other')
    await expect(rename(owner, 'other', 'OWNER')).rejects.toMatchObject({
      status: 409,
      validations: [expect.objectContaining({ field: 'username' })],
    })
    // Another case of one's own name is no other user's.
    expect((await rename(owner, 'other', 'Other')).username).toBe('Other')
    const stranger = await server.user('stranger')
    await expect(rename(stranger, 'other', 'other')).rejects.toMatchObject({ status: 404 })
  })

  it('has the picture that a person chose, or the one of the provider they sign in at', async () => {
    const avatar_url = 'https://pictures.example/mine.png'
    const self = await server.user('pictured')
    const body = { username: 'pictured', name: '', avatar_url }
    expect((await self.call(updateProfile, { ...me, body })).avatar_url).toBe(avatar_url)
    const robotId = (await make({ ...robot, username: 'robot' })).id
    const params = { user: robotId }
    expect(
      (await owner.call(updateProfile, { params, body: { ...body, username: 'robot' } })).avatar_url,
    ).toBe(avatar_url)
    const sso = await fixtures.user(database.db, {
      username: 'sso',
      email: 'sso@example.com',
      login_type: 'oidc',
      avatar_url: 'https://idp.example/p.png',
    })
    const changed = await owner.call(updateProfile, {
      params: { user: sso.id },
      body: { username: 'sso', name: 'Name', avatar_url },
    })
    expect(changed).toMatchObject({ name: 'Name', avatar_url: 'https://idp.example/p.png' })
  })

  it('does not change the address', async () => {
    const answer = await fetch(`${server.url}/api/v2/users/me/profile`, {
      method: 'PUT',
      headers: owner.headers,
      body: JSON.stringify({ username: 'owner', name: '', email: 'new@example.com' }),
    })
    expect(answer.status).toBe(200)
    expect((await owner.call(getUser, me)).email).toBe('owner@example.com')
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  assignMemberRoles,
  getMember,
  getOrganization,
  getOrganizationOfUser,
  getUser,
  listMemberRoles,
  listMembers,
  listMembersPaged,
  listOrganizations,
  listOrganizationsOfUser,
  type Organization,
  removeMember,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const NIL = '00000000-0000-0000-0000-000000000000'

let server: TestServer
let owner: Client
let member: Client
let organization: Organization

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  member = await server.user('member')
  await server.user('second')
  organization = await owner.call(getOrganization, { params: { organization: 'default' } })
})
afterAll(() => server[Symbol.asyncDispose]())

const names = async (q = '', client = owner) =>
  (await client.call(listMembers, { params: { organization: 'default' }, query: { q } })).map(
    ({ username }) => username,
  )

describe('organizations', () => {
  it('WS-4, WS-42, ID-145: the default one is found by its names and its id', async () => {
    for (const reference of [
      'default',
      NIL,
      organization.id,
      organization.name,
      organization.name.toUpperCase(),
    ])
      expect(await owner.call(getOrganization, { params: { organization: reference } })).toEqual(organization)
    expect(organization.is_default).toBe(true)
    for (const reference of ['other', UNKNOWN])
      await expect(
        owner.call(getOrganization, { params: { organization: reference } }),
      ).rejects.toMatchObject({ status: 404 })
  })

  it('WS-40: everybody sees their own', async () => {
    expect(await member.call(listOrganizations)).toEqual([organization])
    expect(await owner.call(listOrganizationsOfUser, { params: { user: 'member' } })).toEqual([organization])
    expect(
      await member.call(getOrganizationOfUser, {
        params: { user: 'me', organizationname: organization.name },
      }),
    ).toEqual(organization)
  })
})

describe('members', () => {
  const params = (user: string) => ({ organization: 'default', user })

  it('WS-45: are listed by name, and narrowed', async () => {
    expect((await names()).sort()).toEqual(['member', 'owner', 'second'])
    const { id } = await owner.call(getUser, { params: { user: 'second' } })
    expect(await names(`user_id:${id}`)).toEqual(['second'])
    expect(await names(`user_id:${UNKNOWN}`)).toEqual([])
    expect(await names('github_user_id:7')).toEqual([])
  })

  it.each(['user_id:x', 'status:active', 'bare', 'include_system:maybe', 'github_user_id:x', 'user_id:'])(
    'WS-45: the search %s is refused',
    async (q) => {
      await expect(names(q)).rejects.toMatchObject({ status: 400 })
    },
  )

  it('WS-46: come in pages with their number', async () => {
    const page = await owner.call(listMembersPaged, {
      params: { organization: 'default' },
      query: { limit: 1, offset: 1 },
    })
    expect(page.count).toBe(3)
    expect(page.members.map(({ username }) => username)).toEqual(['owner'])
    const found = await owner.call(listMembersPaged, {
      params: { organization: 'default' },
      query: { q: 'seco' },
    })
    expect(found.members.map(({ username }) => username)).toEqual(['second'])
  })

  it('WS-46: pages are narrowed as lists of users are, and go on after a user', async () => {
    const page = async (query: object) => {
      const { members, count } = await owner.call(listMembersPaged, {
        params: { organization: 'default' },
        query,
      })
      return { names: members.map(({ username }) => username), count }
    }
    expect(await page({ q: 'role:owner' })).toEqual({ names: ['owner'], count: 1 })
    expect(await page({ q: 'status:active username:member' })).toEqual({ names: ['member'], count: 1 })
    expect(await page({ q: 'status:suspended' })).toEqual({ names: [], count: 0 })
    await expect(page({ q: 'colour:red' })).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field: 'colour' })],
    })
    const { id } = await owner.call(getUser, { params: { user: 'member' } })
    expect(await page({ after_id: id, limit: 1 })).toEqual({ names: ['owner'], count: 3 })
  })

  it('WS-47, WS-48: are added and removed', async () => {
    await owner.call(removeMember, { params: params('second') })
    expect(await names()).not.toContain('second')
    await expect(owner.call(removeMember, { params: params('second') })).rejects.toMatchObject({
      status: 404,
    })
    await owner.call(addMember, { params: params('second') })
    await expect(owner.call(addMember, { params: params('second') })).rejects.toMatchObject({
      status: 400,
      message: 'User is already an organization member',
    })
    await expect(owner.call(removeMember, { params: params('owner') })).rejects.toMatchObject({
      status: 400,
      message: 'cannot remove self from an organization',
    })
    await expect(owner.call(addMember, { params: params('nobody') })).rejects.toMatchObject({ status: 404 })
  })

  it('WS-47, WS-48: only by those who manage them', async () => {
    for (const call of [
      () => member.call(removeMember, { params: params('second') }),
      () => member.call(addMember, { params: params('owner') }),
      () =>
        member.call(assignMemberRoles, { params: params('second'), body: { roles: ['organization-admin'] } }),
    ])
      await expect(call()).rejects.toMatchObject({ status: expect.toSatisfy((s) => s === 403 || s === 404) })
    expect((await names()).sort()).toEqual(['member', 'owner', 'second'])
  })

  it('WS-49: get roles from others, and only known ones', async () => {
    const set = (user: string, roles: string[], client = owner) =>
      client.call(assignMemberRoles, { params: params(user), body: { roles } })
    const changed = await set('second', ['organization-template-admin', 'organization-template-admin'])
    expect(changed.roles.map(({ name }) => name)).toEqual(['organization-template-admin'])
    expect((await owner.call(getMember, { params: params('second') })).roles).toHaveLength(1)
    await expect(set('owner', [])).rejects.toMatchObject({
      status: 400,
      message: 'You cannot change your own organization roles.',
    })
    await expect(set('second', ['no-such-role'])).rejects.toMatchObject({ status: 400 })
    await expect(set('second', ['owner'])).rejects.toMatchObject({ status: 400 })
    expect((await set('second', [])).roles).toEqual([])
  })

  it('WS-49: the roles that may be given are listed', async () => {
    const roles = (client: Client) => client.call(listMemberRoles, { params: { organization: 'default' } })
    expect((await roles(owner)).every(({ assignable }) => assignable)).toBe(true)
    expect((await roles(member)).some(({ assignable }) => assignable)).toBe(false)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type APIKey,
  createToken,
  expireKey,
  getUser,
  listAuditLogs,
  listTokens,
  updateToken,
} from '@slipway/contract'
import { refusal, SecondFactorAccounts } from '@slipway/testkit'

const HOUR_NS = 3_600_000_000_000
const id = 'a1b2c3d4-0000-4000-8000-000000000001'
const me = { params: { user: 'me' } }

let accounts: SecondFactorAccounts
let owner: Client
let member: Client
let names = 0

beforeAll(async () => {
  accounts = await SecondFactorAccounts.start({ CODER_MAX_TOKEN_LIFETIME: '240h' })
  owner = await accounts.server.owner()
  member = await accounts.server.user('member')
})
afterAll(() => accounts[Symbol.asyncDispose]())

async function make(
  body: object = {},
  by = member,
): Promise<{ readonly name: string; readonly id: string; readonly holder: Client }> {
  names += 1
  const name = `token-${names}`
  const { key } = await by.call(createToken, { ...me, body: { token_name: name, ...body } })
  return { name, id: key.split('-')[0] ?? '', holder: new Client({ url: accounts.server.url, token: key }) }
}
const edit = (keyname: string, body: object, by = member, user = 'me'): Promise<APIKey> =>
  by.call(updateToken, { params: { user, keyname }, body })

describe('ID-48: a token is edited', () => {
  it('by its name or its id; what is left out stays', async () => {
    const made = await make({ scopes: ['workspace:read', 'template:read'], allow_list: [`template:${id}`] })
    const renamed = await edit(made.name, { token_name: `${made.name}-new` })
    expect(renamed).toMatchObject({
      id: made.id,
      token_name: `${made.name}-new`,
      scopes: ['template:read', 'workspace:read'],
      allow_list: [`template:${id}`],
    })
    const shorter = await edit(made.id, { lifetime: HOUR_NS })
    expect(Date.parse(shorter.expires_at)).toBe(accounts.now + 3_600_000)
    expect(shorter.lifetime_seconds).toBe(3600)
    expect(shorter.token_name).toBe(`${made.name}-new`)
  })

  it('and does less from its next request on', async () => {
    const made = await make()
    expect((await made.holder.call(getUser, me)).username).toBe('member')
    await edit(made.name, { scopes: ['template:read'] })
    await expect(made.holder.call(getUser, me)).rejects.toMatchObject({ status: 404 })
    const list = await member.call(listTokens, { ...me, query: {} })
    expect(list.find((token) => token.id === made.id)?.scopes).toEqual(['template:read'])
  })

  it('within the limits of new ones', async () => {
    const { name } = await make()
    const other = await make()
    for (const body of [
      { lifetime: 241 * HOUR_NS },
      { lifetime: 0 },
      { lifetime: -1 },
      { scopes: ['nonsense'] },
      { scopes: ['system:read'] },
      { scopes: [] },
      { allow_list: ['workspace'] },
      { allow_list: [] },
      { token_name: 'x'.repeat(65) },
      { token_name: 'a\nb' },
    ])
      await expect(edit(name, body), JSON.stringify(body)).rejects.toMatchObject({ status: 400 })
    await expect(edit(name, { token_name: other.name })).rejects.toMatchObject({ status: 409 })
  })

  it('RB-120: no credential widens a token, itself least of all, beyond what it may do', async () => {
    const made = await make({ scopes: ['api_key:*', 'user:read'] })
    await expect(edit(made.name, { scopes: ['coder:all'] }, made.holder)).rejects.toMatchObject({
      status: 403,
    })
    const great = await make()
    // Longer is more, too.
    await expect(edit(great.name, { lifetime: 200 * HOUR_NS }, made.holder)).rejects.toMatchObject({
      status: 403,
    })
    const less = await edit(great.name, { scopes: ['user:read'] }, made.holder)
    expect(less.scopes).toEqual(['user:read'])
    const reader = await make({ scopes: ['api_key:read', 'user:read'] })
    await expect(edit(reader.name, { token_name: 'mine' }, reader.holder)).rejects.toMatchObject({
      status: 403,
    })
  })

  it('L-32: whoever has a second factor proves it for more, and not for less', async () => {
    const { client } = await accounts.withTotp('careful')
    const { name } = await make({ scopes: ['user:read'], lifetime: 2 * HOUR_NS }, client)
    // The proof of the enrolment is fresh no more.
    accounts.later(60 * 60_000)
    for (const body of [{ scopes: ['user:*'] }, { lifetime: 48 * HOUR_NS }])
      expect((await refusal(edit(name, body, client))).step_up_required?.methods).toContain('totp')
    const less = await edit(
      name,
      { token_name: 'plain', allow_list: [`user:${id}`], lifetime: 1000 * 60_000_000 },
      client,
    )
    expect(less).toMatchObject({ token_name: 'plain', allow_list: [`user:${id}`] })
    expect((await refusal(edit('plain', { allow_list: ['*:*'] }, client))).step_up_required).toBeDefined()
  })

  it('is nobody else’s', async () => {
    const made = await make()
    const stranger = await accounts.server.user('stranger')
    for (const reference of [made.name, made.id])
      for (const user of ['me', 'member'])
        await expect(edit(reference, { token_name: 'x' }, stranger, user)).rejects.toMatchObject({
          status: 404,
        })
    // An id under the name of somebody else is not found there.
    await expect(edit(made.id, { token_name: 'x' }, owner, 'stranger')).rejects.toMatchObject({ status: 404 })
    expect((await edit(made.id, { token_name: 'by-owner' }, owner, 'member')).token_name).toBe('by-owner')
  })

  it('ID-53: but not one that has ended', async () => {
    const made = await make()
    await member.call(expireKey, { params: { user: 'me', keyid: made.id } })
    await expect(edit(made.name, { lifetime: HOUR_NS })).rejects.toMatchObject({ status: 409 })
    await expect(made.holder.call(getUser, me)).rejects.toMatchObject({ status: 401 })
  })

  it('ID-80: one with a part that this release does not know is whole again only when all of it is set', async () => {
    const { db } = accounts.database
    for (const broken of [{ scopes: ['workspace:fly'] }, { allow_list: [`spaceship:${id}`] }]) {
      const made = await make()
      await db.updateTable('api_keys').set(broken).where('id', '=', made.id).execute()
      for (const body of [
        { token_name: 'renamed' },
        { lifetime: 200 * HOUR_NS },
        { scopes: ['user:read'] },
        { allow_list: ['*:*'] },
      ])
        await expect(edit(made.id, body)).rejects.toMatchObject({ status: 409 })
      const mended = await edit(made.id, { scopes: ['user:read'], allow_list: ['*:*'] })
      expect(mended).toMatchObject({ scopes: ['user:read'], allow_list: ['*:*'] })
      expect((await made.holder.call(getUser, me)).username).toBe('member')
    }
  })

  it('nor a session, which has no name', async () => {
    const sessionId = (member.headers['Coder-Session-Token'] ?? '').split('-')[0] ?? ''
    await expect(edit(sessionId, { lifetime: HOUR_NS })).rejects.toMatchObject({ status: 404 })
  })

  it('of two edits at once one knows that it came too late', async () => {
    const made = await make()
    const results = await Promise.allSettled(
      [1, 2, 3, 4].map((hours) => edit(made.id, { lifetime: hours * HOUR_NS })),
    )
    const failed = results.filter((result) => result.status === 'rejected')
    expect(results.length - failed.length).toBeGreaterThan(0)
    for (const { reason } of failed) expect(reason).toMatchObject({ status: 409 })
  })

  it('RB-127: with an entry that says what has changed', async () => {
    const made = await make()
    await edit(made.name, { scopes: ['user:read'] })
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: `resource_type:api_key action:write resource_target:${made.name}` },
    })
    expect(entries[0]?.diff.scopes).toMatchObject({ old: ['coder:all'], new: ['user:read'] })
  })
})

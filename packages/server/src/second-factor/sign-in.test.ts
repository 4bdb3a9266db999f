import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  beginLoginEnrolment,
  beginTotp,
  completeLogin,
  completeLoginEnrolment,
  deleteTotp,
  getSecondFactors,
  getUser,
  listAuditLogs,
  resetSecondFactors,
  suspendUser,
  updatePassword,
} from '@slipway/contract'
import { PASSWORD, refusal, SecondFactorAccounts, startTestServer } from '@slipway/testkit'

const MINUTE = 60_000
const me = { params: { user: 'me' } }

let accounts: SecondFactorAccounts
let owner: Client

beforeAll(async () => {
  accounts = await SecondFactorAccounts.start()
  owner = await accounts.server.owner()
})
afterAll(() => accounts[Symbol.asyncDispose]())

describe('L-32: a sign-in that is under way', () => {
  it('is over after five minutes, with another password, and for who is suspended', async () => {
    const { secret } = await accounts.withTotp('slow')
    const finish = (challenge_id: string) =>
      accounts.server.anonymous.call(completeLogin, {
        body: { challenge_id, totp_code: accounts.codeOf(secret) },
      })
    const old = await accounts.challenge('slow')
    accounts.later(5 * MINUTE)
    await expect(finish(old.challenge_id)).rejects.toMatchObject({ status: 401 })
    await expect(finish('nothing')).rejects.toMatchObject({ status: 401 })
    const before = await accounts.challenge('slow')
    await owner.call(updatePassword, { params: { user: 'slow' }, body: { password: 'Another-2026-pw!' } })
    await expect(finish(before.challenge_id)).rejects.toMatchObject({ status: 401 })
    const { second_factor_required: last } = await refusal(accounts.signIn('slow', 'Another-2026-pw!'))
    await owner.call(suspendUser, { params: { user: 'slow' } })
    await expect(finish(last?.challenge_id ?? '')).rejects.toMatchObject({
      status: 401,
      message: 'Your account is suspended. Contact an admin to reactivate your account.',
    })
  })

  it('takes exactly one proof', async () => {
    const { secret, recovery_codes } = await accounts.withTotp('double')
    const { challenge_id } = await accounts.challenge('double')
    for (const proof of [{}, { totp_code: accounts.codeOf(secret), recovery_code: recovery_codes[0] ?? '' }])
      await expect(
        accounts.server.anonymous.call(completeLogin, { body: { challenge_id, ...proof } }),
      ).rejects.toMatchObject({ status: 400 })
  })

  it('ID-33: is in the audit log with whose account it was', async () => {
    await accounts.withTotp('logged')
    const { challenge_id } = await accounts.challenge('logged')
    await expect(
      accounts.server.anonymous.call(completeLogin, { body: { challenge_id, totp_code: '000000' } }),
    ).rejects.toThrow()
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'username:logged action:login', limit: 10, offset: 0 },
    })
    expect(audit_logs.map(({ status_code }) => status_code).slice(0, 2)).toEqual([401, 403])
  })
})

describe('L-32: who has lost everything', () => {
  it('is helped by who administers users, which is in the audit log; owners only by owners', async () => {
    await accounts.withTotp('lost')
    const admin = await accounts.server.user('useradmin', ['user-admin'])
    const member = await accounts.server.user('stranger')
    const reset = (client: Client, user: string) => client.call(resetSecondFactors, { params: { user } })
    await expect(reset(member, 'lost')).rejects.toMatchObject({ status: 404 })
    await expect(reset(admin, 'me')).rejects.toMatchObject({ status: 400 })
    await expect(reset(admin, 'owner')).rejects.toMatchObject({ status: 403 })
    await reset(admin, 'lost')
    await accounts.signIn('lost')
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'username:useradmin resource_type:user action:write', limit: 1, offset: 0 },
    })
    expect(audit_logs[0]).toMatchObject({
      resource_target: 'lost',
      additional_fields: { second_factor: 'all removed by an administrator' },
    })
  })
})

describe('L-32: a deployment that asks everybody for a second factor', () => {
  it('lets who has none set one up at the sign-in, and nothing else', async () => {
    await accounts.server.user('newcomer')
    await using strict = await startTestServer({
      env: { CODER_REQUIRE_SECOND_FACTOR: 'true' },
      databaseUrl: accounts.server.databaseUrl,
      clock: { now: () => new Date(accounts.now) },
    })
    const { second_factor_enrolment_required: required } = await refusal(
      accounts.signIn('newcomer', PASSWORD, strict),
    )
    const begun = await strict.anonymous.call(beginLoginEnrolment, {
      body: { challenge_id: required?.challenge_id ?? '' },
    })
    const confirm = (totp_code: string) =>
      strict.anonymous.call(completeLoginEnrolment, { body: { challenge_id: begun.challenge_id, totp_code } })
    await expect(confirm('000000')).rejects.toMatchObject({ status: 400 })
    const { session_token, recovery_codes } = await confirm(accounts.codeOf(begun.secret))
    expect(recovery_codes).toHaveLength(10)
    const client = new Client({ url: strict.url, token: session_token })
    expect(await client.call(getSecondFactors, me)).toMatchObject({ required: true, totp: { enabled: true } })
    await expect(client.call(deleteTotp, me)).rejects.toMatchObject({ status: 409 })
    await expect(confirm(accounts.codeOf(begun.secret))).rejects.toMatchObject({ status: 409 })
    expect((await accounts.challenge('newcomer', strict)).methods).toEqual(['totp', 'recovery_code'])
  })
})

it('L-32: accounts that sign in elsewhere have none here', async () => {
  const client = await accounts.server.user('moved')
  await accounts.database.db
    .updateTable('users')
    .set({ login_type: 'oidc' })
    .where('username', '=', 'moved')
    .execute()
  await expect(client.call(beginTotp, me)).rejects.toMatchObject({ status: 400 })
  expect((await client.call(getSecondFactors, me)).available).toBe(false)
})

it('ID-19: factors go with their user', async () => {
  const { client } = await accounts.withTotp('leaver')
  const { id } = await client.call(getUser, me)
  await accounts.database.db.updateTable('users').set({ deleted: true }).where('id', '=', id).execute()
  for (const table of ['user_totp', 'recovery_codes'] as const)
    expect(
      await accounts.database.db.selectFrom(table).select('user_id').where('user_id', '=', id).execute(),
    ).toEqual([])
})

import { Secret } from 'otpauth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  beginTotp,
  completeLogin,
  confirmTotp,
  createRecoveryCodes,
  getSecondFactors,
  getUser,
} from '@slipway/contract'
import { SecondFactorAccounts } from '@slipway/testkit'

const MINUTE = 60_000
const me = { params: { user: 'me' } }

let accounts: SecondFactorAccounts
let owner: Client

beforeAll(async () => {
  accounts = await SecondFactorAccounts.start()
  owner = await accounts.server.owner()
})
afterAll(() => accounts[Symbol.asyncDispose]())

describe('L-32: an authenticator app', () => {
  it('is asked for after the right password, and its code opens the session', async () => {
    const { secret } = await accounts.withTotp('app')
    await expect(accounts.signIn('app', 'wrong-password-1')).rejects.toMatchObject({
      status: 401,
      message: 'Incorrect email or password.',
    })
    const required = await accounts.challenge('app')
    expect(required.methods).toEqual(['totp', 'recovery_code'])
    expect(required.passkey_options).toBeUndefined()
    const answer = await fetch(`${accounts.server.url}/api/v2/users/login/second-factor`, {
      method: 'POST',
      body: JSON.stringify({ challenge_id: required.challenge_id, totp_code: accounts.codeOf(secret) }),
    })
    expect(answer.status).toBe(201)
    const { session_token } = (await answer.json()) as { session_token: string }
    expect(answer.headers.getSetCookie().join()).toContain(`coder_session_token=${session_token};`)
    expect((await accounts.clientOf(session_token).call(getUser, me)).username).toBe('app')
  })

  it('RFC 6238: takes each code once, also at another sign-in, and none that is long over', async () => {
    const { secret } = await accounts.withTotp('once')
    const code = accounts.codeOf(secret)
    const first = await accounts.challenge('once')
    const second = await accounts.challenge('once')
    await accounts.server.anonymous.call(completeLogin, {
      body: { challenge_id: first.challenge_id, totp_code: code },
    })
    for (const totp_code of [code, accounts.codeOf(secret, -30_000), accounts.codeOf(secret, -10 * MINUTE)])
      await expect(
        accounts.server.anonymous.call(completeLogin, {
          body: { challenge_id: second.challenge_id, totp_code },
        }),
      ).rejects.toMatchObject({ status: 401 })
    accounts.later(MINUTE)
    await accounts.server.anonymous.call(completeLogin, {
      body: { challenge_id: second.challenge_id, totp_code: accounts.codeOf(secret) },
    })
  })

  it('takes one code once, however many try at the same time', async () => {
    const { secret } = await accounts.withTotp('race')
    const challenges = await Promise.all(Array.from({ length: 4 }, () => accounts.challenge('race')))
    const outcomes = await Promise.allSettled(
      challenges.map(({ challenge_id }) =>
        accounts.server.anonymous.call(completeLogin, {
          body: { challenge_id, totp_code: accounts.codeOf(secret) },
        }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    accounts.later(MINUTE)
  })

  it('ID-209: guesses of codes are slowed down, whichever sign-in they are for', async () => {
    const { secret } = await accounts.withTotp('guessed')
    const guess = async (totp_code: string) => {
      const { challenge_id } = await accounts.challenge('guessed')
      return accounts.server.anonymous.call(completeLogin, { body: { challenge_id, totp_code } })
    }
    for (let count = 0; count < 5; count += 1)
      await expect(guess('000000')).rejects.toMatchObject({ status: 401 })
    await expect(guess(accounts.codeOf(secret))).rejects.toMatchObject({ status: 429 })
    accounts.later(MINUTE)
    await guess(accounts.codeOf(secret))
  })

  it('has its secret sealed where it is stored', async () => {
    const { secret } = await accounts.withTotp('sealed')
    const { id } = await owner.call(getUser, { params: { user: 'sealed' } })
    const row = await accounts.database.db
      .selectFrom('user_totp')
      .selectAll()
      .where('user_id', '=', id)
      .executeTakeFirstOrThrow()
    expect(row.secret.includes(Buffer.from(secret))).toBe(false)
    expect(row.secret.includes(Buffer.from(Secret.fromBase32(secret).buffer))).toBe(false)
  })

  it('is set up only with a right code, once, and by nobody else', async () => {
    const client = await accounts.server.user('setter')
    const { challenge_id, secret, otpauth_url } = await client.call(beginTotp, me)
    expect(otpauth_url).toContain(`secret=${secret}`)
    const confirm = (totp_code: string) =>
      client.call(confirmTotp, { ...me, body: { challenge_id, totp_code } })
    await expect(confirm('000000')).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'totp_code' }],
    })
    expect((await client.call(getSecondFactors, me)).totp.enabled).toBe(false)
    const { recovery_codes } = await confirm(accounts.codeOf(secret))
    expect(new Set(recovery_codes).size).toBe(10)
    await expect(confirm(accounts.codeOf(secret))).rejects.toMatchObject({ status: 409 })
    const again = await client.call(beginTotp, me)
    await expect(
      client.call(confirmTotp, {
        ...me,
        body: { challenge_id: again.challenge_id, totp_code: accounts.codeOf(again.secret) },
      }),
    ).rejects.toMatchObject({ status: 409 })
    await expect(owner.call(beginTotp, { params: { user: 'setter' } })).rejects.toMatchObject({ status: 403 })
  })
})

describe('L-32: recovery codes', () => {
  it('open a session once each, in any spelling', async () => {
    const { recovery_codes } = await accounts.withTotp('loser')
    const [first = '', second = ''] = recovery_codes
    const use = async (recovery_code: string) => {
      const { challenge_id } = await accounts.challenge('loser')
      return accounts.server.anonymous.call(completeLogin, { body: { challenge_id, recovery_code } })
    }
    await use(first)
    await expect(use(first)).rejects.toMatchObject({ status: 401 })
    const { session_token } = await use(second.toLowerCase().replaceAll('-', ' '))
    expect((await accounts.clientOf(session_token).call(getSecondFactors, me)).recovery_codes_left).toBe(8)
    const { recovery_codes: fresh } = await accounts.clientOf(session_token).call(createRecoveryCodes, me)
    await expect(use(recovery_codes[2] ?? '')).rejects.toMatchObject({ status: 401 })
    await use(fresh[0] ?? '')
  })

  it('are stored as SHA-256 (ID-39)', async () => {
    const { recovery_codes } = await accounts.withTotp('hashed')
    const rows = await accounts.database.db.selectFrom('recovery_codes').selectAll().execute()
    for (const row of rows) {
      expect(row.hashed_code).toHaveLength(32)
      expect(recovery_codes.some((code) => row.hashed_code.includes(Buffer.from(code)))).toBe(false)
    }
  })
})

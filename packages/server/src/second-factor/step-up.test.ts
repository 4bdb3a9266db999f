import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  beginStepUp,
  beginTotp,
  completeLogin,
  createRecoveryCodes,
  createSessionKey,
  createToken,
  deleteTotp,
  getUser,
  stepUp,
  updatePassword,
} from '@slipway/contract'
import { fixtures, PASSWORD, refusal, SecondFactorAccounts, startTestServer } from '@slipway/testkit'

const MINUTE = 60_000
const me = { params: { user: 'me' } }

let accounts: SecondFactorAccounts

beforeAll(async () => {
  accounts = await SecondFactorAccounts.start()
  await accounts.server.owner()
})
afterAll(() => accounts[Symbol.asyncDispose]())

describe('L-32: a session proves anew who holds it', () => {
  it('before it mints keys or changes the password, once ten minutes have passed', async () => {
    const { client, secret } = await accounts.withTotp('minter')
    await client.call(createToken, { ...me, body: {} })
    accounts.later(10 * MINUTE)
    const calls = [
      () => client.call(createToken, { ...me, body: {} }),
      () => client.call(createSessionKey, me),
      () => client.call(deleteTotp, me),
      () => client.call(createRecoveryCodes, me),
      () =>
        client.call(updatePassword, {
          ...me,
          body: { old_password: PASSWORD, password: 'Another-2026-pw!' },
        }),
    ]
    for (const call of calls)
      expect((await refusal(call())).step_up_required?.methods).toEqual(['totp', 'recovery_code'])
    await expect(client.call(stepUp, { ...me, body: { password: PASSWORD } })).rejects.toMatchObject({
      status: 400,
    })
    await expect(client.call(stepUp, { ...me, body: { totp_code: '000000' } })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'totp_code' }],
    })
    const { valid_until } = await client.call(stepUp, { ...me, body: { totp_code: accounts.codeOf(secret) } })
    expect(Date.parse(valid_until)).toBe(accounts.now + 10 * MINUTE)
    for (const call of calls.slice(0, 2)) await call()
    // What it minted as a session is as fresh as itself; a named token never is.
    const { key } = await client.call(createSessionKey, me)
    await accounts.clientOf(key).call(createSessionKey, me)
    const { key: token } = await client.call(createToken, { ...me, body: {} })
    await refusal(accounts.clientOf(token).call(createToken, { ...me, body: {} }))
  })

  it('with a passkey that signed for this session', async () => {
    const { client, authenticator } = await accounts.withPasskey('stepper')
    accounts.later(11 * MINUTE)
    const { challenge_id, methods, passkey_options } = await client.call(beginStepUp, me)
    expect(methods).toEqual(['passkey', 'recovery_code'])
    const passkey = authenticator.get(passkey_options ?? { challenge: '' })
    const required = await accounts.challenge('stepper')
    const { session_token } = await accounts.server.anonymous.call(completeLogin, {
      body: {
        challenge_id: required.challenge_id,
        passkey: authenticator.get(required.passkey_options ?? { challenge: '' }),
      },
    })
    await expect(
      accounts.clientOf(session_token).call(stepUp, { ...me, body: { challenge_id, passkey } }),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'challenge_id' }] })
    const fresh = await client.call(beginStepUp, me)
    await client.call(stepUp, {
      ...me,
      body: {
        challenge_id: fresh.challenge_id,
        passkey: authenticator.get(fresh.passkey_options ?? { challenge: '' }),
      },
    })
    await client.call(createToken, { ...me, body: {} })
  })

  it('by the password while there is no factor, and only to set one up', async () => {
    const client = await accounts.server.user('plain')
    accounts.later(11 * MINUTE)
    await client.call(createToken, { ...me, body: {} })
    expect((await refusal(client.call(beginTotp, me))).step_up_required?.methods).toEqual(['password'])
    await expect(
      client.call(stepUp, { ...me, body: { password: 'wrong-password-1' } }),
    ).rejects.toMatchObject({
      status: 400,
    })
    await expect(client.call(stepUp, { ...me, body: {} })).rejects.toMatchObject({ status: 400 })
    await client.call(stepUp, { ...me, body: { password: PASSWORD } })
    await client.call(beginTotp, me)
  })
})

it('L-32: terminals and tunnels ask for a proof where the deployment says so', async () => {
  const { client, secret } = await accounts.withTotp('shell')
  const { id, organization_ids } = await client.call(getUser, me)
  const { db } = accounts.database
  const workspace = await fixtures.workspace(db, { owner_id: id, organization_id: organization_ids[0] ?? '' })
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, {
      build: await fixtures.workspaceBuild(db, { workspace }),
    }),
  })
  const open = async (url: string, way: 'pty' | 'tunnel') => {
    const path = `/api/v2/workspaceagents/${agent.id}/${way}?reconnect=${id}&height=1&width=1`
    const answer = await fetch(`${url}${path}`, { headers: client.headers })
    return { status: answer.status, body: Object(await answer.json()) }
  }
  accounts.later(58 * MINUTE)
  await using asking = await startTestServer({
    env: { CODER_SSH_STEP_UP_MAX_AGE: '1h' },
    databaseUrl: accounts.server.databaseUrl,
    clock: { now: () => new Date(accounts.now) },
  })
  const refused = async (way: 'pty' | 'tunnel', url = asking.url) =>
    (await open(url, way)).body.step_up_required !== undefined
  expect([await refused('pty'), await refused('tunnel')]).toEqual([false, false])
  accounts.later(2 * MINUTE)
  expect([await refused('pty'), await refused('tunnel')]).toEqual([true, true])
  expect([await refused('pty', accounts.server.url), await refused('tunnel', accounts.server.url)]).toEqual([
    false,
    false,
  ])
  await client.call(stepUp, { ...me, body: { totp_code: accounts.codeOf(secret) } })
  expect([await refused('pty'), await refused('tunnel')]).toEqual([false, false])
})

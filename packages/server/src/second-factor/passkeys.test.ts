import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  beginPasskey,
  beginPasskeyLogin,
  completeLogin,
  completePasskeyLogin,
  createPasskey,
  createToken,
  deletePasskey,
  getSecondFactors,
  getUser,
  renamePasskey,
} from '@slipway/contract'
import { SecondFactorAccounts, SoftwareAuthenticator } from '@slipway/testkit'

const me = { params: { user: 'me' } }

let accounts: SecondFactorAccounts

beforeAll(async () => {
  accounts = await SecondFactorAccounts.start()
  await accounts.server.owner()
})
afterAll(() => accounts[Symbol.asyncDispose]())

describe('L-32: passkeys', () => {
  it('do for the second step, and only what this very challenge asked for', async () => {
    const { authenticator } = await accounts.withPasskey('keeper')
    const required = await accounts.challenge('keeper')
    expect(required.methods).toEqual(['passkey', 'recovery_code'])
    const options = required.passkey_options ?? { challenge: '' }
    const passkey = authenticator.get(options)
    const use = (challenge_id: string, proof = passkey) =>
      accounts.server.anonymous.call(completeLogin, { body: { challenge_id, passkey: proof } })
    const other = await accounts.challenge('keeper')
    await expect(use(other.challenge_id)).rejects.toMatchObject({ status: 401 })
    const foreign = authenticator.get(options, { origin: 'https://slipway.example.org' })
    await expect(use(required.challenge_id, foreign)).rejects.toMatchObject({ status: 401 })
    const forged = { ...passkey, response: { ...passkey.response, signature: 'AAAA' } }
    await expect(use(required.challenge_id, forged)).rejects.toMatchObject({ status: 401 })
    await use(required.challenge_id)
    await expect(use(required.challenge_id)).rejects.toMatchObject({ status: 401 })
  })

  it('sign in alone, without a name, when their holder was verified', async () => {
    const { authenticator } = await accounts.withPasskey('alone')
    const begin = () => accounts.server.anonymous.call(beginPasskeyLogin)
    const unverified = await begin()
    expect(unverified.options.allowCredentials).toBeUndefined()
    await expect(
      accounts.server.anonymous.call(completePasskeyLogin, {
        body: {
          challenge_id: unverified.challenge_id,
          passkey: authenticator.get(unverified.options, { unverified: true }),
        },
      }),
    ).rejects.toMatchObject({ status: 401 })
    const { challenge_id, options } = await begin()
    const body = { challenge_id, passkey: authenticator.get(options) }
    const { session_token } = await accounts.server.anonymous.call(completePasskeyLogin, { body })
    const client = accounts.clientOf(session_token)
    expect((await client.call(getUser, me)).username).toBe('alone')
    // Such a sign-in is a proof of both, so it may mint.
    await client.call(createToken, { ...me, body: {} })
    await expect(accounts.server.anonymous.call(completePasskeyLogin, { body })).rejects.toMatchObject({
      status: 401,
    })
  })

  it('WebAuthn 7.2: are refused when they name another account than theirs', async () => {
    const { authenticator } = await accounts.withPasskey('named')
    const { challenge_id, options } = await accounts.server.anonymous.call(beginPasskeyLogin)
    const passkey = authenticator.get(options)
    const userHandle = Buffer.alloc(16, 7).toString('base64url')
    const body = { challenge_id, passkey: { ...passkey, response: { ...passkey.response, userHandle } } }
    await expect(accounts.server.anonymous.call(completePasskeyLogin, { body })).rejects.toMatchObject({
      status: 401,
      message: 'This passkey opens no account here.',
    })
  })

  it('WebAuthn 6.1.1: a counter that does not move on is that of a copy', async () => {
    const { authenticator } = await accounts.withPasskey('copied')
    const use = async (signCount: number) => {
      const { challenge_id, options } = await accounts.server.anonymous.call(beginPasskeyLogin)
      return accounts.server.anonymous.call(completePasskeyLogin, {
        body: { challenge_id, passkey: authenticator.get(options, { signCount }) },
      })
    }
    await use(7)
    await expect(use(7)).rejects.toMatchObject({ status: 401 })
    await expect(use(3)).rejects.toMatchObject({ status: 401 })
    await use(8)
  })

  it('without a counter, as those that are kept in a cloud, sign in once with each challenge', async () => {
    const { authenticator } = await accounts.withPasskey('synced')
    const sign = async () => {
      const { challenge_id, options } = await accounts.server.anonymous.call(beginPasskeyLogin)
      return { challenge_id, passkey: authenticator.get(options, { signCount: 0 }) }
    }
    const body = await sign()
    await accounts.server.anonymous.call(completePasskeyLogin, { body })
    await expect(accounts.server.anonymous.call(completePasskeyLogin, { body })).rejects.toMatchObject({
      status: 401,
    })
    await accounts.server.anonymous.call(completePasskeyLogin, { body: await sign() })
  })

  it('have names, and are removed one by one; with the last factor go the recovery codes', async () => {
    const { client, passkey, authenticator } = await accounts.withPasskey('namer')
    accounts.later(1_000)
    const second = await client.call(beginPasskey, me)
    expect(() => authenticator.create(second.options)).toThrow('InvalidStateError')
    const added = await client.call(createPasskey, {
      ...me,
      body: {
        challenge_id: second.challenge_id,
        name: 'phone',
        passkey: new SoftwareAuthenticator(SecondFactorAccounts.origin).create(second.options),
      },
    })
    expect(added.recovery_codes).toEqual([])
    await client.call(renamePasskey, {
      params: { user: 'me', passkey: passkey.id },
      body: { name: 'old laptop' },
    })
    const names = async () => (await client.call(getSecondFactors, me)).passkeys.map(({ name }) => name)
    expect(await names()).toEqual(['old laptop', 'phone'])
    await client.call(deletePasskey, { params: { user: 'me', passkey: passkey.id } })
    expect(await names()).toEqual(['phone'])
    await client.call(deletePasskey, { params: { user: 'me', passkey: added.passkey.id } })
    expect(await client.call(getSecondFactors, me)).toMatchObject({ passkeys: [], recovery_codes_left: 0 })
    await accounts.signIn('namer')
  })

  it('are for the one who was asked', async () => {
    const client = await accounts.server.user('asked')
    const other = await accounts.server.user('unasked')
    const { challenge_id, options } = await client.call(beginPasskey, me)
    const body = {
      challenge_id,
      name: 'x',
      passkey: new SoftwareAuthenticator(SecondFactorAccounts.origin).create(options),
    }
    await expect(other.call(createPasskey, { ...me, body })).rejects.toMatchObject({ status: 400 })
    const foreign = new SoftwareAuthenticator('https://evil.example.com').create({
      ...options,
      rp: { name: 'Slipway', id: 'evil.example.com' },
    })
    await expect(
      client.call(createPasskey, { ...me, body: { ...body, passkey: foreign } }),
    ).rejects.toMatchObject({ status: 400 })
    await client.call(createPasskey, { ...me, body })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, createUser, getUser, updateProfile } from '@slipway/contract'
import { PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await server.user('ada')
})
afterAll(() => server[Symbol.asyncDispose]())

const make = (username: string, email: string) =>
  owner.call(createUser, {
    body: {
      username,
      email,
      password: PASSWORD,
      login_type: 'password',
      organization_ids: ['00000000-0000-0000-0000-000000000000'],
    },
  })

describe('names that look like those of others', () => {
  it.each([
    ['Cyrillic letters', '\u0430d\u0430'],
    ['full-width letters', '\uff41\uff44\uff41'],
    ['a zero-width space', 'ad\u200ba'],
    ['a combining accent', 'ada\u0301'],
    ['text that runs the other way', '\u202eada'],
    ['a soft hyphen', 'ad\u00ada'],
    ['mathematical letters', '\u{1d41a}\u{1d41d}\u{1d41a}'],
    ['a trailing space', 'ada '],
    ['a line break', 'ada\n'],
  ])('%s make no username', async (_what, username) => {
    await expect(make(username, 'lookalike@example.com')).rejects.toMatchObject({ status: 400 })
    await expect(
      owner.call(updateProfile, { params: { user: 'ada' }, body: { username, name: '' } }),
    ).rejects.toMatchObject({ status: 400 })
    await expect(owner.call(getUser, { params: { user: username } })).rejects.toMatchObject({ status: 404 })
  })

  it('another case is the same name and the same address', async () => {
    await expect(make('ADA', 'other@example.com')).rejects.toMatchObject({ status: 409 })
    await expect(make('other', 'ADA@EXAMPLE.COM')).rejects.toMatchObject({ status: 409 })
    expect(await owner.call(getUser, { params: { user: 'aDa' } })).toMatchObject({ username: 'ada' })
  })

  it('ID-214: a token is named in up to 64 characters that can all be seen', async () => {
    const named = (token_name: string) =>
      owner.call(createToken, { params: { user: 'me' }, body: { token_name } })
    await named('build of döner 🥙')
    await named('x'.repeat(64))
    for (const name of ['x'.repeat(65), 'a\nb', 'a\u007fb', 'a\u001b[31mb', 'a\u0000b'])
      await expect(named(name), JSON.stringify(name)).rejects.toMatchObject({ status: 400 })
  })
})

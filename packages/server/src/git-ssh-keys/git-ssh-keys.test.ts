import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getGitSshKey, regenerateGitSshKey } from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer()
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

const key = (client: Client, user = 'me') => client.call(getGitSshKey, { params: { user } })
const renew = (client: Client, user = 'me') => client.call(regenerateGitSshKey, { params: { user } })

it('ID-193: a key is made when first asked for and stays, also when asked for at once', async () => {
  const keys = await Promise.all([key(member), key(member), key(member)])
  expect(new Set(keys.map((one) => one.public_key)).size).toBe(1)
  expect(keys[0]?.public_key).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+\n?$/)
  expect(JSON.stringify(keys)).not.toContain('PRIVATE')
})

it('ID-193: a new one takes the place of the old one', async () => {
  const before = await key(member)
  const after = await renew(member)
  expect(after.public_key).not.toBe(before.public_key)
  expect(after.created_at).toBe(before.created_at)
  expect(await key(member)).toEqual(after)
})

it('ID-193: nobody else of no rights reaches it', async () => {
  await key(owner)
  await expect(key(member, 'owner')).rejects.toMatchObject({ status: 404 })
  await expect(renew(member, 'owner')).rejects.toMatchObject({ status: 404 })
  await expect(key(server.anonymous)).rejects.toMatchObject({ status: 401 })
})

it.each([
  ['ecdsa', 'ecdsa-sha2-nistp256 '],
  ['rsa4096', 'ssh-rsa '],
])('ID-193: the deployment chooses %s', async (algorithm, start) => {
  await using other = await startTestServer({ env: { CODER_SSH_KEYGEN_ALGORITHM: algorithm } })
  expect((await key(await other.owner())).public_key.startsWith(start)).toBe(true)
})

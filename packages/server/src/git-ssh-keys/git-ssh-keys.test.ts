import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { getAgentGitSshKey, getGitSshKey, getUser, regenerateGitSshKey } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

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
  ['all', 200],
  ['no_user_data', 403],
] as const)('ID-193: an agent with the scope %s gets %i for the key of its owner', async (scope, status) => {
  await using database = await openDatabase(server.databaseUrl)
  const { db } = database
  const { id, organization_ids } = await member.call(getUser, { params: { user: 'me' } })
  const organization_id = organization_ids[0] ?? ''
  const template = await fixtures.template(db, { organization_id })
  const workspace = await fixtures.workspace(db, { owner_id: id, organization_id, template })
  const build = await fixtures.workspaceBuild(db, { workspace })
  const token = randomUUID()
  await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: createHash('sha256').update(token).digest(),
    api_key_scope: scope,
  })
  const agent = new Client({ url: server.url, token })
  const answer = await agent.call(getAgentGitSshKey).then(
    ({ public_key, private_key }) => ({ status: 200, public_key, secret: private_key.includes('PRIVATE') }),
    (error: { readonly status: number }) => ({ status: error.status }),
  )
  expect(answer).toEqual(
    status === 200 ? { status, public_key: (await key(member)).public_key, secret: true } : { status },
  )
})

it.each([
  ['ecdsa', 'ecdsa-sha2-nistp256 '],
  ['rsa4096', 'ssh-rsa '],
])('ID-193: the deployment chooses %s', async (algorithm, start) => {
  await using other = await startTestServer({ env: { CODER_SSH_KEYGEN_ALGORITHM: algorithm } })
  expect((await key(await other.owner())).public_key.startsWith(start)).toBe(true)
})

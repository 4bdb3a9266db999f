import { once } from 'node:events'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  createToken,
  deleteKey,
  expireKey,
  getUser,
  listUsers,
  logout,
  removeMember,
  suspendUser,
  updateUserRoles,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

// A second of the rule, and what a loaded machine takes to ask.
const WITHIN_MS = 1_000

let first: TestServer
let second: TestServer
let owner: Client
let count = 0
let name: string
let near: Client
let far: Client
let keyid: string

beforeAll(async () => {
  const env = { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }
  first = await startTestServer({ env })
  owner = await first.owner()
  second = await startTestServer({ env, databaseUrl: first.databaseUrl })
})
afterAll(async () => {
  await second[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
})

/** A user with a session and a token, known to both replicas. */
beforeEach(async () => {
  count += 1
  name = `user${count}`
  const session = await first.user(name, ['user-admin'])
  const { key } = await session.call(createToken, { params: { user: 'me' }, body: {} })
  keyid = key.split('-')[0] ?? ''
  near = new Client({ url: first.url, token: key })
  far = new Client({ url: second.url, token: key })
  for (let i = 0; i < 3; i += 1)
    for (const client of [near, far]) await client.call(getUser, { params: { user: 'me' } })
})

const status = async (client: Client, path = '/api/v2/users/me') =>
  (await fetch(`${client.url}${path}`, { headers: { ...client.headers } })).status

/** How long the other replica goes on as before; the replica that made the change must not at all. */
async function revoked(path: string, gone: number): Promise<void> {
  const changed = performance.now()
  expect(await status(near, path), 'on the same replica').toBe(gone)
  let last = 0
  for (;;) {
    const asked = performance.now()
    last = await status(far, path)
    if (last === gone) return
    expect(asked - changed, `${last} on the other replica`).toBeLessThan(WITHIN_MS)
  }
}

describe('ID-215: what is taken away is gone on the next request, and within a second on the other replica', () => {
  it('a key that is deleted', async () => {
    await owner.call(deleteKey, { params: { user: name, keyid } })
    await revoked('/api/v2/users/me', 401)
  })

  it('a key that is expired', async () => {
    await owner.call(expireKey, { params: { user: name, keyid } })
    await revoked('/api/v2/users/me', 401)
  })

  it('a user who is suspended', async () => {
    await owner.call(suspendUser, { params: { user: name } })
    await revoked('/api/v2/users/me', 401)
  })

  it('a role', async () => {
    expect((await near.call(listUsers)).count).toBeGreaterThan(1)
    expect(await status(near, '/api/v2/users/owner')).toBe(200)
    await owner.call(updateUserRoles, { params: { user: name }, body: { roles: [] } })
    // A member may look at others of the organization; what only the role gave is gone.
    await revoked('/api/v2/users/owner/keys/tokens', 404)
  })

  it('a membership', async () => {
    await owner.call(updateUserRoles, { params: { user: name }, body: { roles: [] } })
    await revoked('/api/v2/users/owner/keys/tokens', 404)
    const path = '/api/v2/organizations/default/members'
    expect([await status(near, path), await status(far, path)]).toEqual([200, 200])
    await owner.call(removeMember, { params: { organization: 'default', user: name } })
    await revoked(path, 404)
  })

  it('a session that signs out', async () => {
    const session = await first.user(`${name}-b`)
    const [here, there] = [first, second].map(
      ({ url }) => new Client({ url, token: session.headers['Coder-Session-Token'] }),
    )
    if (here === undefined || there === undefined) throw new Error('two replicas are needed')
    ;[near, far] = [here, there]
    expect([await status(near), await status(far)]).toEqual([200, 200])
    await near.call(logout)
    await revoked('/api/v2/users/me', 401)
  })

  it('what somebody changes in the database by hand', async () => {
    await using database = await openDatabase(first.databaseUrl, { maxConnections: 1 })
    await database.db.deleteFrom('api_keys').where('id', '=', keyid).execute()
    const changed = performance.now()
    while ((await status(far)) !== 401) expect(performance.now() - changed).toBeLessThan(WITHIN_MS)
  })
})

it('ID-215: open streams of the key end on both replicas within 5 s', async () => {
  await using database = await openDatabase(first.databaseUrl, { maxConnections: 1 })
  const me = await near.call(getUser, { params: { user: 'me' } })
  const organization_id = me.organization_ids[0] ?? ''
  const template = await fixtures.template(database.db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  const workspace = await fixtures.workspace(database.db, { template, owner_id: me.id, organization_id })
  await fixtures.workspaceBuild(database.db, { workspace })
  const { id } = workspace
  const sockets = await Promise.all(
    [near, far].map(async ({ url, headers }) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v2/workspaces/${id}/watch-ws`, {
        headers,
      })
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject)
        // Whatever else might end it has had its chance once the workspace itself has come.
        socket.on('message', (text) => {
          const { type } = JSON.parse(String(text))
          if (type === 'data') resolve()
          else if (type === 'error') reject(new Error(String(text)))
        })
      })
      return socket
    }),
  )
  const closed = sockets.map((socket) => once(socket, 'close'))
  const began = performance.now()
  await owner.call(expireKey, { params: { user: name, keyid } })
  for (const [code] of await Promise.all(closed)) expect(code).toBe(1008)
  expect(performance.now() - began).toBeLessThan(5_000)
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  beginTotp,
  confirmTotp,
  getUser,
  listAuditLogs,
  listOrganizationsOfUser,
  login,
} from '@slipway/contract'
import { PASSWORD, startTestServer, type TestServer, totpCode } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

const NEW_PASSWORD = 'Another-Password-2026!'

let server: TestServer
let folder: string
let cli: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  await server.owner()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const signIn = async (email: string, password = NEW_PASSWORD): Promise<Client> => {
  const { session_token: token } = await server.anonymous.call(login, { body: { email, password } })
  return new Client({ url: server.url, token })
}
const createAdmin = (username: string, password = NEW_PASSWORD) => [
  'server',
  'create-admin-user',
  '--postgres-url',
  server.databaseUrl,
  '--username',
  username,
  '--email',
  `${username}@example.com`,
  '--password',
  password,
]

it('OP 17.2: server create-admin-user makes an owner who administers every organization', async () => {
  expect(await cli.good(...createAdmin('rescuer'))).toContain('Made the account rescuer')
  const client = await signIn('rescuer@example.com')
  const user = await client.call(getUser, { params: { user: 'me' } })
  expect(user).toMatchObject({ status: 'active', login_type: 'password', roles: [{ name: 'owner' }] })
  const organizations = await client.call(listOrganizationsOfUser, { params: { user: 'me' } })
  expect(organizations).toHaveLength(1)
  const { audit_logs } = await client.call(listAuditLogs, {
    query: { q: 'resource_target:rescuer action:create', limit: 1, offset: 0 },
  })
  expect(audit_logs[0]).toMatchObject({ additional_fields: { automatic_subsystem: 'create-admin-user' } })
  expect(await cli.bad(...createAdmin('rescuer'))).toBe('error: User already exists.\n')
  expect(await cli.bad(...createAdmin('other', 'weak'))).toContain('password: insecure password')
})

it('OP 17.2: reset-password lets an administrator in again, on demand without a second factor', {
  timeout: 120_000,
}, async () => {
  const owner = await signIn('owner@example.com', PASSWORD)
  const me = { params: { user: 'me' } }
  const { challenge_id, secret } = await owner.call(beginTotp, me)
  const totp_code = totpCode(secret, Date.now())
  await owner.call(confirmTotp, { ...me, body: { challenge_id, totp_code } })
  for (let count = 0; count < 6; count += 1)
    await signIn('owner@example.com', 'wrong-password-1').catch(() => undefined)
  const reset = ['reset-password', 'owner', '--postgres-url', server.databaseUrl, '--password', NEW_PASSWORD]
  await cli.good(...reset)
  await expect(owner.call(getUser, me)).rejects.toMatchObject({ status: 401 })
  await expect(signIn('owner@example.com')).rejects.toMatchObject({
    status: 403,
    body: { second_factor_required: expect.anything() },
  })
  await cli.good(...reset, '--remove-second-factors')
  await signIn('owner@example.com')
  expect(await cli.bad('reset-password', 'nobody', ...reset.slice(2))).toContain('there is no user')
})

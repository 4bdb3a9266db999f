import { once } from 'node:events'
import { connect } from 'node:net'

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { activateUser, getUser, listAuditLogs, suspendUser } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { recordEntry } from './record.ts'

const lines: Record<string, unknown>[] = []
const log = createLogger({
  level: 'info',
  sink: { write: (line) => void lines.push(JSON.parse(line)) },
})
let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ log })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  await server.user('kim')
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const kim = { params: { user: 'kim' } }

it('RB-103: each entry is a line of the service log, too, with who it was', async () => {
  await owner.call(suspendUser, kim)
  const { id, email, username } = await owner.call(getUser, { params: { user: 'me' } })
  const line = await until('the line', () =>
    lines.find((one) => one.message === 'audit_log' && String(one.diff).includes('suspended')),
  )
  const entry = await until('the entry', async () => {
    const { audit_logs } = await owner.call(listAuditLogs, { query: { q: 'resource_target:kim' } })
    return audit_logs.find((one) => one.id === line.id)
  })
  expect(line).toMatchObject({
    entry_time: entry.time,
    user_id: id,
    resource_type: 'user',
    resource_id: entry.resource_id,
    resource_target: 'kim',
    resource_icon: '',
    action: 'write',
    status_code: 200,
    organization_id: null,
    request_id: entry.request_id,
    ip: entry.ip,
    user_agent: entry.user_agent,
    diff: JSON.stringify(entry.diff),
    additional_fields: JSON.stringify(entry.additional_fields),
    actor: { id, email, username },
  })
})

it('RB-93: what was done is recorded when the client has left before the answer', async () => {
  const { hostname, port } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  const token = owner.headers['Coder-Session-Token']
  socket.end(
    `PUT /api/v2/users/kim/status/activate HTTP/1.1\r\nHost: x\r\nCoder-Session-Token: ${token}\r\n` +
      'User-Agent: impatient\r\nContent-Length: 0\r\n\r\n',
  )
  await once(socket, 'finish')
  socket.destroy()
  const entry = await until('the entry', async () => {
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_target:kim action:write' },
    })
    return audit_logs.find((one) => one.user_agent === 'impatient')
  })
  expect(entry).toMatchObject({ status_code: 200, diff: { status: { old: 'suspended', new: 'active' } } })
})

it('RB-103: an entry that cannot be stored is an error of the log, and what it is about stays done', async () => {
  await sql`alter table audit_logs rename to audit_logs_gone`.execute(database.db)
  try {
    expect((await owner.call(suspendUser, kim)).status).toBe('suspended')
  } finally {
    await sql`alter table audit_logs_gone rename to audit_logs`.execute(database.db)
  }
  const failed = await until('the error', () =>
    lines.find(({ message }) => message === 'an audit entry could not be stored'),
  )
  expect(failed.level).toBe('error')
  // Whoever collects lines has it all the same, with nothing to look for in the database.
  expect(lines.find(({ message, id }) => message === 'audit_log' && id === failed.id)).toMatchObject({
    entry_time: null,
    resource_target: 'kim',
  })
  await owner.call(activateUser, kim)
})

it('RB-97: an entry without the organization that it must have is an error of the log', async () => {
  const entry = {
    action: 'write',
    user: undefined,
    organizationId: undefined,
    resourceId: '0b6f1c7e-7e0c-4d0b-8a51-2f0e4f3a9c11',
    target: 'x',
    icon: '',
    diff: {},
    status: 200,
    additionalFields: {},
    requestId: '0b6f1c7e-7e0c-4d0b-8a51-2f0e4f3a9c11',
    ip: undefined,
    userAgent: '',
  } as const
  const complaints = () =>
    lines.filter((line) => line.message === 'an audit entry lacks its organization').length
  const before = complaints()
  await recordEntry({ database, log }, { ...entry, type: 'template' })
  expect(complaints()).toBe(before + 1)
  await recordEntry({ database, log }, { ...entry, type: 'user' })
  expect(complaints()).toBe(before + 1)
})

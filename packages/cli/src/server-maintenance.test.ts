import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, type TestDatabase } from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

const DAY_MS = 86_400_000

let source: TestDatabase
let database: Awaited<ReturnType<typeof openDatabase>>
let folder: string
let cli: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  source = await createTestDatabase()
  database = await openDatabase(source.url, { maxConnections: 2 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const at = () => ['--postgres-url', source.url]

it('OP-79: server purge --dry-run counts what is old and deletes nothing', async () => {
  const { id } = await fixtures.apiKey(database.db, { expires_at: new Date(Date.now() - 30 * DAY_MS) })
  const lines = (await cli.good('server', 'purge', '--dry-run', ...at())).split('\n')
  expect(lines.find((line) => line.startsWith('expired_api_keys'))).toMatch(/ 1$/)
  expect(lines.find((line) => line.startsWith('audit_logs'))).toMatch(/kept for ever$/)
  const left = await database.db.selectFrom('api_keys').select('id').where('id', '=', id).execute()
  expect(left).toHaveLength(1)
  expect(await cli.bad('server', 'purge', ...at())).toContain('--dry-run')
})

it('OP-67: server dbcrypt changes keys, and asks before it gives protection up', async () => {
  const [old, fresh] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const keys = ['--new-key', fresh, '--old-keys', old]
  expect(await cli.good('server', 'dbcrypt', 'rotate', ...keys, ...at())).toContain('under the new key')
  expect(await cli.bad('server', 'dbcrypt', 'rotate', '--new-key', 'short', ...at())).toContain('32 bytes')
  expect(await cli.bad('server', 'dbcrypt', 'decrypt', '--keys', fresh, ...at())).toContain('--yes')
  expect(await cli.good('server', 'dbcrypt', 'decrypt', '--keys', fresh, '--yes', ...at())).toContain(
    'Gave up',
  )
  expect(await cli.good('server', 'dbcrypt', 'delete', '--yes', ...at())).toContain('Destroyed 0 values')
})

it('RB-131: server audit verify ends well for a log that nobody touched, and badly for another', async () => {
  expect(await cli.good('server', 'audit', 'verify', ...at())).toContain('no entry yet')
  await database.db
    .insertInto('audit_logs')
    .values({
      resource_type: 'user',
      resource_id: '7d8ab32c-9d5c-4a7b-8c2c-0a5f2f5f9a11',
      action: 'write',
      status_code: 200,
    })
    .execute()
  await database.db.deleteFrom('audit_unchained').execute()
  expect(await cli.bad('server', 'audit', 'verify', ...at())).toContain(
    '1 entries were put in past the chain',
  )
  expect(await cli.bad('server', 'audit', 'verify', '--head', 'x', ...at())).toContain('--head')
})

it('OP-140: server regenerate-vapid-keypair makes new keys, drops all subscriptions, and asks before', async () => {
  const { public_key: before } = await fixtures.webpushKey(database.db)
  await fixtures.webpushSubscription(database.db)
  expect(await cli.bad('server', 'regenerate-vapid-keypair', ...at())).toContain('--yes')
  expect(await cli.good('server', 'regenerate-vapid-keypair', '--yes', ...at())).toContain(
    'dropped 1 subscriptions',
  )
  const keys = await database.db.selectFrom('webpush_keys').select('public_key').execute()
  expect(keys).toHaveLength(1)
  expect(keys[0]?.public_key).not.toBe(before)
  expect(await database.db.selectFrom('webpush_subscriptions').select('id').execute()).toEqual([])
  expect(await cli.good('server', '--help')).not.toContain('vapid')
})

it('OP-176: server migrate brings a database up to the release by itself, and lists first what it would do', async () => {
  await using empty = await createTestDatabase({ migrated: false })
  const of = ['--postgres-url', empty.url]
  const pending = (await cli.good('server', 'migrate', '--dry-run', ...of)).trimEnd().split('\n')
  expect(pending[0]).toBe('0001 change_log')
  expect(pending.at(-1)).toBe(`${pending.length - 1} migrations pending.`)
  const done = (await cli.good('server', 'migrate', ...of)).trimEnd().split('\n')
  expect(done.slice(0, -1)).toEqual(pending.slice(0, -1))
  expect(done.at(-1)).toBe(`${pending.length - 1} migrations done.`)
  expect(await cli.good('server', 'migrate', '--dry-run', ...of)).toBe('The schema is up to date.\n')
  await using opened = await openDatabase(empty.url, { maxConnections: 1 })
  expect(await opened.db.selectFrom('replicas').select('id').execute()).toEqual([])
})

it('OP-B4: server --check-config prints a report for programs, and says by its exit code whether a server could start', async () => {
  const good = JSON.parse(await cli.good('server', '--check-config', ...at()))
  expect(good).toMatchObject({ ok: true, warnings: expect.any(Array) })
  expect(good.checks).toContainEqual({ check: 'database', status: 'ok', detail: 'the schema is up to date' })
  const bad = await cli.run('server', '--check-config', '--tls-min-version', 'ssl3', ...at())
  expect(bad.code).toBe(1)
  expect(JSON.parse(bad.stdout)).toMatchObject({
    ok: false,
    checks: [{ check: 'options', status: 'failed' }],
  })
})

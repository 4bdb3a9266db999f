import { randomBytes } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateUserSecretRequest,
  createUserSecret,
  deleteUserSecret,
  getUser,
  getUserSecret,
  listUserSecrets,
  type UpdateUserSecretRequest,
  updateUserSecret,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let member: Client

beforeAll(async () => {
  server = await startTestServer()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const { name } of await list()) await remove(name)
})

const params = { user: 'me' }
const list = () => member.call(listUserSecrets, { params })
const create = (body: Partial<CreateUserSecretRequest>) =>
  member.call(createUserSecret, { params, body: { name: 'token', value: 'v', ...body } })
const read = (name: string) => member.call(getUserSecret, { params: { ...params, name } })
const patch = (name: string, body: UpdateUserSecretRequest) =>
  member.call(updateUserSecret, { params: { ...params, name }, body })
const remove = (name: string) => member.call(deleteUserSecret, { params: { ...params, name } })

const refused = (...fields: string[]) => ({
  status: 400,
  message: 'Validation failed.',
  validations: fields.map((field) => ({ field, detail: expect.any(String) })),
})
const taken = (...fields: string[]) => ({ ...refused(...fields), status: 409 })
/** A distinct variable for each number. */
const variable = (n: number) => ({ name: `secret ${n}`, env_name: `SECRET_${n}` })

describe('ID-194: secrets of a user', () => {
  it('ID-194: are made, listed by name, read, changed and removed, without their value', async () => {
    const made = await create({ name: 'b', env_name: 'TOKEN', description: 'of the registry' })
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'b',
      description: 'of the registry',
      env_name: 'TOKEN',
      file_path: '',
      enabled: true,
      created_at: expect.any(String),
      updated_at: made.created_at,
    })
    const file = await create({ name: 'a', file_path: '~/.npmrc' })
    expect(await list()).toEqual([file, made])
    expect(await read('b')).toEqual(made)

    const changed = await patch('b', { value: 'w', description: '' })
    expect(changed).toEqual({ ...made, description: '', updated_at: expect.any(String) })
    expect(Date.parse(changed.updated_at)).toBeGreaterThan(Date.parse(made.updated_at))

    await remove('b')
    await expect(read('b')).rejects.toMatchObject({ status: 404 })
    await expect(remove('b')).rejects.toMatchObject({ status: 404 })
    await expect(patch('b', { value: 'w' })).rejects.toMatchObject({ status: 404 })
    expect(await list()).toEqual([file])
  })

  it.each(['with spaces', 'ünïcode 🔑', '100%', 'a\\b', 'a:b&c=d;e', '%2F', 'batch', '...', 'x'.repeat(256)])(
    'ID-195: the name %s can be reached',
    async (name) => {
      const made = await create({ name, enabled: false })
      expect(made.name).toBe(name)
      expect(await read(name)).toEqual(made)
      await remove(name)
      expect(await list()).toEqual([])
    },
  )
})

describe('ID-195: fields', () => {
  it.each<[string, Partial<CreateUserSecretRequest>]>([
    ['name', { name: ' ' }],
    ['name', { name: ' token' }],
    ['name', { name: 'token\t' }],
    ['name', { name: 'a/b' }],
    ['name', { name: 'a?b' }],
    ['name', { name: 'a#b' }],
    ['name', { name: '..' }],
    ['name', { name: 'x'.repeat(257) }],
    ['name', { name: 'a\0b' }],
    ['name', { name: '\ud800' }],
    ['value', { value: 'x'.repeat(24 * 1024 + 1) }],
    ['value', { value: 'ä'.repeat(12 * 1024 + 1) }],
    ['value', { value: 'a\0b' }],
    ['value', { value: 'a\udc00' }],
    ['env_name', { env_name: '1A' }],
    ['env_name', { env_name: 'A-B' }],
    ['env_name', { env_name: 'A B' }],
    ['env_name', { env_name: 'Ä' }],
    ['env_name', { env_name: 'A\n' }],
    ['env_name', { env_name: 'A'.repeat(257) }],
    ['file_path', { file_path: 'secret' }],
    ['file_path', { file_path: './secret' }],
    ['file_path', { file_path: '~root/secret' }],
    ['file_path', { file_path: '~/' }],
    ['file_path', { file_path: '/' }],
    ['file_path', { file_path: '~' }],
    ['file_path', { file_path: `/${'x'.repeat(4096)}` }],
    ['file_path', { file_path: '/a\0b' }],
  ])('ID-195: %s may not be as in %j', async (field, body) => {
    await expect(create({ env_name: 'TOKEN', ...body })).rejects.toMatchObject(refused(field))
    expect(await list()).toEqual([])
  })

  it.each<Partial<CreateUserSecretRequest>>([
    { value: 'x'.repeat(24 * 1024), env_name: 'TOKEN' },
    { env_name: 'A'.repeat(256) },
    { env_name: '_lower_9' },
    // What cannot be compressed shows whether an index is large enough.
    { file_path: `/${randomBytes(3000).toString('base64url')}`.padEnd(4096, 'x') },
    { env_name: 'TOKEN', file_path: '/etc/token' },
    { value: ' \n"\'$HOME\r\n' },
  ])('ID-195: %j is allowed', async (body) => {
    await expect(
      create({ enabled: body.env_name !== undefined || body.file_path !== undefined, ...body }),
    ).resolves.toMatchObject({ env_name: body.env_name ?? '', file_path: body.file_path ?? '' })
  })

  it('ID-195: name and value are required, and all faults are named at once', async () => {
    const response = await fetch(`${server.url}/api/v2/users/me/secrets`, {
      method: 'POST',
      headers: member.headers,
      body: '{"value":""}',
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        message: 'Validation failed.',
        validations: [
          { field: 'name', detail: expect.any(String) },
          { field: 'value', detail: expect.any(String) },
        ],
      },
    ])
    await expect(
      create({ name: '/', env_name: '-', file_path: '-', value: 'x'.repeat(30_000) }),
    ).rejects.toMatchObject(refused('name', 'value', 'env_name', 'file_path'))
  })

  it('ID-195: an enabled secret needs a variable or a file, a disabled one does not', async () => {
    await expect(create({})).rejects.toMatchObject(refused('enabled'))
    await expect(create({ enabled: true, env_name: '' })).rejects.toMatchObject(refused('enabled'))
    expect(await create({ enabled: false })).toMatchObject({ enabled: false, env_name: '', file_path: '' })
    await expect(patch('token', { enabled: true })).rejects.toMatchObject(refused('enabled'))
    await patch('token', { enabled: true, file_path: '/token' })
    await expect(patch('token', { file_path: '' })).rejects.toMatchObject(refused('enabled'))
    expect(await patch('token', { file_path: '', enabled: false })).toMatchObject({ enabled: false })
  })

  it('ID-195: the database refuses an enabled secret without a target too', async () => {
    await using database = await openDatabase(server.databaseUrl)
    await expect(fixtures.userSecret(database.db, { env_name: '' })).rejects.toThrow(
      'enabled_secret_has_target',
    )
  })

  it('ID-195: each taken name, variable and file is a 409 of its own', async () => {
    await create({ name: 'first', env_name: 'FIRST', file_path: '~/first' })
    await create({ name: 'plain', enabled: false })
    const free = { name: 'second', env_name: 'SECOND', file_path: '~/second' }
    await expect(create({ ...free, name: 'first' })).rejects.toMatchObject(taken('name'))
    await expect(create({ ...free, env_name: 'FIRST' })).rejects.toMatchObject(taken('env_name'))
    await expect(create({ ...free, file_path: '~/first' })).rejects.toMatchObject(taken('file_path'))
    await expect(create({ name: 'first', env_name: 'FIRST', file_path: '~/first' })).rejects.toMatchObject(
      taken('name', 'env_name', 'file_path'),
    )
    // Variables differ in their case, and none is not taken by another none.
    await create({ ...free, env_name: 'first' })
    await create({ name: 'third', enabled: false })
    await expect(patch('second', { env_name: 'FIRST', file_path: '~/first' })).rejects.toMatchObject(
      taken('env_name', 'file_path'),
    )
    expect(await patch('second', { env_name: 'first' })).toMatchObject(
      free.env_name ? { env_name: 'first' } : {},
    )
  })

  it('ID-195: users do not see in a 409 what others have', async () => {
    const other = await server.user('namesake')
    await create({ env_name: 'SAME', file_path: '/same' })
    const body = { name: 'token', value: 'v', env_name: 'SAME', file_path: '/same' }
    await expect(other.call(createUserSecret, { params, body })).resolves.toMatchObject({ name: 'token' })
  })
})

describe('ID-196: reserved variables', () => {
  const reserved = [
    'PATH HOME SHELL USER LOGNAME PWD OLDPWD LANG TERM IFS CDPATH ENV BASH_ENV TMPDIR TMP TEMP HOSTNAME',
    'SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSH_TTY EDITOR VISUAL PAGER VSCODE_PROXY_URI',
    'CS_DISABLE_GETTING_STARTED_OVERRIDE CODER CODER_X GIT_X LC_ALL LD_PRELOAD DYLD_X',
    'XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME',
  ].flatMap((line) => line.split(' '))

  it.each(reserved)('ID-196: %s is refused in any case', async (name) => {
    const mixed = name.charAt(0) + name.slice(1).toLowerCase()
    for (const env_name of [name, name.toLowerCase(), mixed])
      await expect(create({ env_name })).rejects.toMatchObject(refused('env_name'))
  })

  it('ID-196: names that only resemble them are free', async () => {
    for (const env_name of ['PATHS', 'MY_PATH', 'CODERS', 'GITHUB_TOKEN', 'LCD', 'XDG_X', 'SSH_KEY'])
      await create({ name: env_name, env_name })
    expect(await list()).toHaveLength(7)
    await expect(patch('PATHS', { env_name: 'path' })).rejects.toMatchObject(refused('env_name'))
  })
})

describe('ID-197: limits of a user', () => {
  it('ID-197: the 51st secret is refused, also when two are made at 49 at once', async () => {
    for (let n = 0; n < 49; n++) await create(variable(n))
    await using database = await openDatabase(server.databaseUrl)
    const { id } = await member.call(getUser, { params })
    // Both have read what they can before either goes on.
    const pending = await database.db.transaction().execute(async (tx) => {
      await tx.selectFrom('users').select('id').where('id', '=', id).forUpdate().execute()
      const calls = Promise.allSettled([create(variable(49)), create(variable(50))])
      await until('both to wait for the user', async () => {
        const { rows } = await sql<{ waiting: number }>`
          select count(*)::int as waiting from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
        return rows[0]?.waiting === 2
      })
      return { calls }
    })
    const results = await pending.calls
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find((result) => result.status === 'rejected')).toMatchObject({
      reason: { status: 400, message: expect.stringContaining('50 secrets') },
    })
    expect(await list()).toHaveLength(50)
    await expect(create(variable(51))).rejects.toMatchObject({ status: 400 })
    await patch('secret 0', { value: 'other' })
    await remove('secret 0')
    await create(variable(51))
  })

  it('ID-197: all values together hold at most 200 KiB', async () => {
    const value = 'x'.repeat(24 * 1024)
    for (let n = 0; n < 8; n++) await create({ name: `${n}`, file_path: `/${n}`, value })
    await expect(
      create({ name: '8', enabled: false, value: 'x'.repeat(8 * 1024 + 1) }),
    ).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('204800 bytes'),
    })
    await create({ name: '8', enabled: false, value: 'x'.repeat(8 * 1024) })
    await expect(patch('8', { value: 'x'.repeat(8 * 1024 + 1) })).rejects.toMatchObject({ status: 400 })
    await expect(create({ name: '9', enabled: false })).rejects.toMatchObject({ status: 400 })
    await patch('0', { value: 'small' })
    await create({ name: '9', enabled: false })
  })

  it('ID-197: those with a variable hold at most 24 KiB, enabled or not', async () => {
    const half = 'x'.repeat(12 * 1024)
    await create({ ...variable(0), value: half })
    await create({ ...variable(1), value: half, enabled: false })
    const limit = { status: 400, message: expect.stringContaining('24576 bytes') }
    await expect(create(variable(2))).rejects.toMatchObject(limit)
    await create({ name: 'file', file_path: '/file' })
    await expect(patch('file', { env_name: 'FILE' })).rejects.toMatchObject(limit)
    await patch('secret 1', { env_name: '' })
    await patch('file', { env_name: 'FILE' })
  })

  it('ID-197: of changes at once that fit one by one, those go through that fit together', async () => {
    for (let n = 0; n < 4; n++) await create(variable(n))
    const value = 'x'.repeat(10 * 1024)
    const results = await Promise.allSettled([0, 1, 2, 3].map((n) => patch(`secret ${n}`, { value })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  })
})

describe('ID-198: changes', () => {
  it('ID-198: a variable gives way to a file and back in one request', async () => {
    await create({ env_name: 'TOKEN' })
    expect(await patch('token', { env_name: '', file_path: '~/token' })).toMatchObject({
      env_name: '',
      file_path: '~/token',
      enabled: true,
    })
    expect(await patch('token', { env_name: 'TOKEN', file_path: '' })).toMatchObject({
      env_name: 'TOKEN',
      file_path: '',
      enabled: true,
    })
  })

  it('ID-198: at least one field is needed, and the name stays', async () => {
    const made = await create({ env_name: 'TOKEN', description: 'd' })
    for (const body of [{}, { name: 'other' }, { value: null }]) {
      const response = await fetch(`${server.url}/api/v2/users/me/secrets/token`, {
        method: 'PATCH',
        headers: member.headers,
        body: JSON.stringify(body),
      })
      expect(response.status).toBe(400)
    }
    const renamed = await patch('token', { description: 'e', ...{ name: 'other' } })
    expect(renamed).toEqual({ ...made, description: 'e', updated_at: renamed.updated_at })
    await expect(patch('token', { value: '' })).rejects.toMatchObject(refused('value'))
    await expect(patch('token', { value: 'x'.repeat(25_000) })).rejects.toMatchObject(refused('value'))
  })
})

it('ID-19: secrets go with their user, and none is made for a deleted one', async () => {
  await using database = await openDatabase(server.databaseUrl)
  const leaver = await server.user('leaver')
  const { id } = await leaver.call(getUser, { params })
  await leaver.call(createUserSecret, { params, body: { name: 'x', value: 'v', env_name: 'X' } })
  await database.db.updateTable('users').set({ deleted: true }).where('id', '=', id).execute()
  const rows = await database.db.selectFrom('user_secrets').select('id').where('user_id', '=', id).execute()
  expect(rows).toEqual([])
  await expect(fixtures.userSecret(database.db, { user_id: id })).rejects.toThrow(
    'has been deleted meanwhile',
  )
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import pg from 'pg'
import { expect, test } from 'vitest'

import { createLogger, silentLogger } from '@slipway/request-log'
import { until } from '@slipway/testkit'
import { startEmbedded } from './embedded.ts'
import { Database } from './index.ts'

async function folder(): Promise<AsyncDisposable & { readonly directory: string }> {
  const root = await mkdtemp(path.join(tmpdir(), 'slipway-embedded-'))
  await chmod(root, 0o711)
  return {
    directory: path.join(root, 'postgres'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

test('OP-40: data survives a restart, and a wrong password is refused', async () => {
  await using place = await folder()
  const options = { directory: place.directory, log: silentLogger(), settings: { fsync: 'off' } }
  {
    await using server = await startEmbedded(options)
    await query(server.url, 'create table kept (n int)')
    await expect(query(server.url.replace(/coder:[^@]+@/, 'coder:wrong@'), 'select 1')).rejects.toThrow()
  }
  await using server = await startEmbedded(options)
  expect(await query(server.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
})

test('OP-40: a second server on the same directory is refused and told what to do', async () => {
  await using place = await folder()
  const options = { directory: place.directory, log: silentLogger(), settings: { fsync: 'off' } }
  await using _server = await startEmbedded(options)
  await expect(startEmbedded(options)).rejects.toThrow(/another server .* CODER_PG_CONNECTION_URL/)
})

async function postmaster(directory: string): Promise<number> {
  return Number((await readFile(path.join(directory, 'data/postmaster.pid'), 'utf8')).split('\n')[0])
}

test('OP-40: after kill -9 of the database it runs again without a restart of ours, and followers of changes reset', async () => {
  await using place = await folder()
  const log = silentLogger()
  await using server = await startEmbedded({ directory: place.directory, log })
  await using database = await Database.open({ url: server.url, maxConnections: 2, log, replicaId: 'one' })
  const events: string[] = []
  using _subscription = database.feed.subscribe({
    onEvent: ({ kind }) => void events.push(kind),
    onReset: () => void events.push('reset'),
  })
  await query(server.url, 'create table kept as select 1 as n')
  process.kill(await postmaster(place.directory), 'SIGKILL')
  expect(
    await until('the data', () => query(server.url, 'select n from kept').catch(() => undefined)),
  ).toEqual([{ n: 1 }])
  await until('the reset', () => events.includes('reset'))
  await until('a write', () =>
    database.db
      .insertInto('users')
      .values({ username: 'ada', email: 'ada@example.com' })
      .execute()
      .catch(() => undefined),
  )
  await until('its event', () => events.includes('user'))
  expect(events).toEqual(['reset', 'user'])
})

test('OP-40: the server comes by a socket that others cannot enter, and whoever has the password by the port', async () => {
  await using place = await folder()
  await using server = await startEmbedded({ directory: place.directory, log: silentLogger() })
  const sockets = path.join(place.directory, 'socket')
  expect(new URL(server.url).hostname).toBe(encodeURIComponent(sockets))
  expect((await stat(sockets)).mode & 0o777).toBe(0o700)
  const read = async (name: string) => (await readFile(path.join(place.directory, name), 'utf8')).trim()
  const byPort = (password: string, port: string) => `postgres://coder:${password}@127.0.0.1:${port}/coder`
  const peer = 'select host(inet_client_addr()) as peer'
  expect(await query(server.url, peer)).toEqual([{ peer: null }])
  expect(await query(byPort(await read('password'), await read('port')), peer)).toEqual([
    { peer: '127.0.0.1' },
  ])
  for (const url of [server.url, byPort('', await read('port'))]) {
    const wrong = new URL(url)
    wrong.password = 'guessed'
    await expect(query(wrong.href, peer)).rejects.toThrow('password authentication failed')
  }
})

test('OP-40: in a folder whose name is too long for a socket the server comes by the port', async () => {
  await using place = await folder()
  const directory = path.join(place.directory, 'd'.repeat(90))
  await mkdir(place.directory)
  await chmod(place.directory, 0o711)
  await using server = await startEmbedded({ directory, log: silentLogger() })
  expect(new URL(server.url).hostname).toBe('127.0.0.1')
  expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
})

test('OP-40: after kill -9 of the server the next one stops the database that was left behind and takes its data over', async () => {
  await using place = await folder()
  const program = `
    const { startEmbedded } = await import(${JSON.stringify(new URL('./embedded.ts', import.meta.url).href)})
    const { silentLogger } = await import('@slipway/request-log')
    const { url } = await startEmbedded({ directory: ${JSON.stringify(place.directory)}, log: silentLogger() })
    process.stdout.write(url)`
  const first = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [url] = await once(first.stdout, 'data')
  await query(String(url), 'create table kept as select 1 as n')
  const left = await postmaster(place.directory)
  const ended = once(first, 'exit')
  first.kill('SIGKILL')
  await ended
  process.kill(left, 0)
  await using server = await startEmbedded({ directory: place.directory, log: silentLogger() })
  expect(await query(server.url, 'select n from kept')).toEqual([{ n: 1 }])
  expect(await postmaster(place.directory)).not.toBe(left)
})

test('OP-40: a database that does not come up is given up with its own words, and is not tried again', async () => {
  await using place = await folder()
  const lines: string[] = []
  const log = createLogger({ level: 'error', sink: { write: (line) => void lines.push(line) } })
  const options = { directory: place.directory, log, settings: { fsync: 'off' } }
  await (await startEmbedded(options))[Symbol.asyncDispose]()
  const settings = path.join(place.directory, 'data/postgresql.conf')
  const sound = await readFile(settings, 'utf8')
  await appendFile(settings, '\nno_such_setting = on\n')
  await expect(startEmbedded(options)).rejects.toThrow(/did not start: .*no_such_setting/s)
  await expect(startEmbedded(options)).rejects.toThrow('no_such_setting')
  expect(lines).toEqual([])
  await rm(settings)
  await appendFile(settings, sound)
  await using server = await startEmbedded(options)
  expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
})

import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import pg from 'pg'
import { expect, test } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { startEmbedded } from './embedded.ts'

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

test('OP-40: after kill -9 of the database it runs again without a restart of ours', async () => {
  await using place = await folder()
  await using server = await startEmbedded({ directory: place.directory, log: silentLogger() })
  await query(server.url, 'create table kept as select 1 as n')
  const pid = Number(
    (await readFile(path.join(place.directory, 'data/postmaster.pid'), 'utf8')).split('\n')[0],
  )
  process.kill(pid, 'SIGKILL')
  await expect
    .poll(() => query(server.url, 'select n from kept').catch(() => undefined), { timeout: 20_000 })
    .toEqual([{ n: 1 }])
})

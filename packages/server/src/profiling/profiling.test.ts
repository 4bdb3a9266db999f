import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

import { Profile } from 'pprof-format'
import tar from 'tar-stream'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { getUser } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { labelled } from '../profile-labels/index.ts'
import { ProfileListener } from './listener.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_API_RATE_LIMIT: '0' },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** Label sets of the samples of a profile. */
function labelsOf(gzipped: Uint8Array): Set<string> {
  const profile = Profile.decode(gunzipSync(gzipped))
  const text = (index: number | bigint): string => profile.stringTable.strings[Number(index)] ?? ''
  return new Set(
    profile.sample.map(({ label }) =>
      label
        .map(({ key, str }) => `${text(key)}=${text(str)}`)
        .sort()
        .join(' '),
    ),
  )
}

async function as(
  path: string,
  options: { readonly method?: string; readonly user?: 'owner' | 'member' } = {},
) {
  const client = options.user === 'member' ? await member() : await server.owner()
  return fetch(`${server.url}/api/v2/debug${path}`, {
    method: options.method ?? 'GET',
    headers: client.headers,
  })
}

let signedIn: ReturnType<TestServer['user']> | undefined
function member(): ReturnType<TestServer['user']> {
  signedIn ??= server.user('member')
  return signedIn
}

test('ID-118, OP-91, OP-92: samples tell the route of a request from a background job, also after they waited', async () => {
  const owner = await server.owner()
  const taken = as('/pprof/profile?seconds=2')
  let done = false
  const ask = async (): Promise<void> => {
    while (!done) await owner.call(getUser, { params: { user: 'me' } })
  }
  const purge = async (): Promise<void> => {
    while (!done) {
      const end = performance.now() + 5
      while (performance.now() < end) Math.sqrt(performance.now())
      await new Promise((resolve) => setImmediate(resolve))
      // Labels are taken up by work that begins while the profile is taken.
      await labelled('db-purge', async () => {
        await Promise.resolve()
        const until = performance.now() + 5
        while (performance.now() < until) Math.sqrt(performance.now())
      })
    }
  }
  const load = Promise.all([ask(), purge()])
  const response = await taken
  done = true
  await load
  expect(response.status).toBe(200)
  const labels = labelsOf(new Uint8Array(await response.arrayBuffer()))
  expect(labels).toContain('coder_service=db-purge')
  expect(labels).toContain('coder_request_type=http coder_service=http-api route=/api/v2/users/{user}')
})

test('OP-90: profiles are for those who may read what helps to debug', async () => {
  for (const path of ['/pprof', '/pprof/cmdline', '/pprof/symbol', '/pprof/profile?seconds=1', '/pprof/heap'])
    expect((await as(path, { user: 'member' })).status, path).toBe(403)
  expect((await as('/profile', { method: 'POST', user: 'member' })).status).toBe(403)
  expect(await (await as('/pprof')).text()).toContain('heap')
  expect(await (await as('/pprof/cmdline')).text()).toContain(process.execPath)
  expect((await as('/pprof/nothing')).status).toBe(404)
  expect((await as('/pprof/profile?seconds=61')).status).toBe(400)
  expect((await as('/pprof/profile?seconds=0')).status).toBe(400)
})

test('OP-90, OP-93: a collection is an archive of valid profiles; only one runs at a time', async () => {
  const collecting = as('/profile?duration=1s&profiles=cpu,heap,goroutine,trace', { method: 'POST' })
  const second = as('/profile?duration=1s', { method: 'POST' })
  const statuses = [(await collecting).status, (await second).status].sort()
  expect(statuses).toEqual([200, 409])
  const response = await as('/profile?duration=50ms&profiles=cpu,heap,goroutine,trace', { method: 'POST' })
  expect(response.headers.get('content-type')).toBe('application/gzip')
  expect(response.headers.get('content-disposition')).toMatch(
    /^attachment; filename="coderd-profile-\d+\.tar\.gz"$/,
  )
  const extract = tar.extract()
  const names: string[] = []
  extract.on('entry', (header, stream, next) => {
    names.push(header.name)
    void buffer(stream).then((data) => {
      expect(Profile.decode(gunzipSync(data)).sampleType.length).toBeGreaterThan(0)
      next()
    })
  })
  extract.end(gunzipSync(new Uint8Array(await response.arrayBuffer())))
  await new Promise<void>((resolve) => extract.on('finish', () => resolve()))
  expect(names).toEqual(['cpu.prof', 'heap.prof', 'goroutine.prof', 'trace.out'])
})

test.each(['duration=0s', 'duration=61s', 'duration=x', 'profiles=cpu,nothing'])(
  'OP-90: %s is refused by name',
  async (query) => {
    const response = await as(`/profile?${query}`, { method: 'POST' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ validations: [{ field: query.split('=')[0] }] })
  },
)

test('OP-90: a listener of its own serves profiles without a sign-in', async () => {
  await using listener = await ProfileListener.start({ host: '127.0.0.1', port: 0 }, silentLogger())
  const ask = (path: string) => fetch(`${listener.url}/debug/pprof/${path}`)
  expect(await (await ask('')).text()).toContain('profile')
  expect((await ask('profile?seconds=x')).status).toBe(400)
  expect((await ask('profile?seconds=61')).status).toBe(400)
  expect((await ask('nothing')).status).toBe(404)
  const taken = await ask('profile?seconds=0.2')
  expect(
    Profile.decode(gunzipSync(new Uint8Array(await taken.arrayBuffer()))).sampleType.length,
  ).toBeGreaterThan(0)
})

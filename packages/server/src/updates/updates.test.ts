import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { checkForUpdate, getBuildInfo } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { isNewer, releaseFrom } from './release.ts'

const DAY_MS = 24 * 60 * 60_000
const NEWER = { version: 'v2.36.0+slipway.99.0.0', url: 'https://releases.example/99' }
const lines: string[] = []
const log = createLogger({ level: 'info', sink: { write: (line) => void lines.push(line) } })

let feed: Server
let asked = 0
let answer: { readonly status: number; readonly body: string }
let env: Record<string, string>
let now = Date.now()
let server: TestServer

beforeAll(async () => {
  answer = { status: 200, body: JSON.stringify(NEWER) }
  feed = createServer((_request, response) => {
    asked += 1
    response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.body)
  })
  feed.listen(0, '127.0.0.1')
  await once(feed, 'listening')
  const address = feed.address()
  if (address === null || typeof address === 'string') throw new Error('the feed has no port')
  env = {
    CODER_UPDATE_CHECK_URL: `http://127.0.0.1:${address.port}/latest.json`,
    CODER_UPDATE_CHECK_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
  }
  server = await startTestServer({ env, log, clock: { now: () => new Date(now) } })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  feed.closeAllConnections()
  feed.close()
})

const failures = (): number => lines.filter((line) => line.includes('feed of releases did not answer')).length

describe('OP-113: releases', () => {
  it.each([
    ['v2.36.0+slipway.0.2.0', 'v2.36.0+slipway.0.1.9', true],
    ['v2.36.0+slipway.0.10.0', 'v2.36.0+slipway.0.9.0', true],
    ['v2.36.0+slipway.1.0.0', 'v2.36.0+slipway.0.99.99', true],
    // The level of the reference is not what releases are told apart by.
    ['v2.37.0+slipway.0.1.0', 'v2.36.0+slipway.0.1.0', false],
    ['v2.36.0+slipway.0.1.0', 'v2.36.0+slipway.0.1.0', false],
    ['v2.36.0+slipway.0.1.0', 'v2.36.0+slipway.0.2.0', false],
    ['v2.37.0', 'v2.36.0+slipway.0.1.0', false],
  ])('%s after %s: %s', (version, than, expected) => {
    expect(isNewer(version, than)).toBe(expected)
  })

  it('are of Slipway and have an address that a page may link to', () => {
    expect(releaseFrom({ ...NEWER, more: 1 })).toEqual(NEWER)
    for (const bad of [
      undefined,
      [],
      'v2',
      { version: 'v2.37.0', url: NEWER.url },
      { version: `${NEWER.version}<script>`, url: NEWER.url },
      { version: NEWER.version, url: 'javascript:alert(1)' },
    ])
      expect(() => releaseFrom(bad)).toThrow('the feed must answer')
  })
})

describe('OP-113, OP-61: the check', () => {
  it('tells everybody of a newer release, and asks the feed once for all replicas and starts of a day', async () => {
    const newer = { current: false, ...NEWER }
    const known = (one: TestServer) =>
      until('the newer release', async () => !(await one.anonymous.call(checkForUpdate)).current)
    await known(server)
    expect(await server.anonymous.call(checkForUpdate)).toEqual(newer)
    await using other = await startTestServer({
      env,
      log,
      clock: { now: () => new Date(now) },
      databaseUrl: server.databaseUrl,
    })
    await known(other)
    await server.stop()
    await server.start()
    await known(server)
    expect(asked).toBe(1)
  })

  it('keeps what it knows while the feed fails or talks nonsense, a day later', async () => {
    for (const bad of [
      { status: 500, body: JSON.stringify(NEWER) },
      { status: 200, body: '<html>' },
      { status: 200, body: `{"version":"${'x'.repeat(100_000)}"}` },
    ]) {
      answer = bad
      now += DAY_MS + 1
      const [before, failed] = [asked, failures()]
      await server.stop()
      await server.start()
      await until('the failure', () => failures() > failed)
      expect(asked).toBe(before + 1)
      expect(await server.anonymous.call(checkForUpdate)).toEqual({ current: false, ...NEWER })
    }
  })

  it('asks nobody inside the network unless its range is open, and nobody at all without a feed or when it is off', async () => {
    const before = asked
    const failed = failures()
    const { CODER_UPDATE_CHECK_URL = '' } = env
    await using guarded = await startTestServer({ env: { CODER_UPDATE_CHECK_URL }, log })
    await until('the refusal', () => failures() > failed)
    const { version } = await guarded.anonymous.call(getBuildInfo)
    const own = { current: true, version, url: '' }
    expect(await guarded.anonymous.call(checkForUpdate)).toEqual(own)
    await using off = await startTestServer({ env: { ...env, CODER_UPDATE_CHECK: 'false' }, log })
    await using plain = await startTestServer({ log })
    expect(await off.anonymous.call(checkForUpdate)).toEqual(own)
    expect(await plain.anonymous.call(checkForUpdate)).toEqual(own)
    expect(asked).toBe(before)
  })
})

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'

import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createToken, getDebugMetrics, getDeploymentConfig, listAuditLogs } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import {
  createTestDatabase,
  fixtures,
  openDatabase,
  startTestServer,
  type TestDatabase,
  until,
} from '@slipway/testkit'
import { extendChain } from '../audit/index.ts'
import type { Database } from '../database/index.ts'
import { AuditForwarder } from './audit-forwarder.ts'
import type { Destination } from './destination.ts'
import { httpDestination } from './http-destination.ts'
import { syslogDestination } from './syslog-destination.ts'

interface Entry {
  readonly sequence: number
  readonly id: string
  readonly resource_target: string
  readonly truncated?: boolean
}

/** A collector over HTTP that can refuse. */
class HttpCollector implements AsyncDisposable {
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly entries: Entry[] }[] = []
  status = 204
  readonly #server = createHttpServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const lines = Buffer.concat(parts).toString().trimEnd().split('\n')
      const entries = lines.map((line): Entry => JSON.parse(line))
      this.requests.push({ headers: request.headers, entries })
      response.writeHead(this.status, { Location: '/elsewhere' }).end()
    })
  })

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/intake`
  }

  get targets(): string[] {
    return this.requests.flatMap(({ entries }) => entries.map((entry) => entry.resource_target))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

let test: TestDatabase
let database: Database

beforeAll(async () => {
  test = await createTestDatabase()
  database = await openDatabase(test.url, { maxConnections: 3 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await test[Symbol.asyncDispose]()
})

let written = 0
async function write(count: number, more: object = {}): Promise<string[]> {
  const targets: string[] = []
  for (let i = 0; i < count; i += 1) {
    written += 1
    const resource_target = `target-${written}`
    await fixtures.auditLog(database.db, { resource_target, ...more })
    targets.push(resource_target)
  }
  return targets
}

function forward(destination: Destination): AuditForwarder {
  const context = { database, log: silentLogger(), metrics: new Registry() }
  return new AuditForwarder(context as never, [destination], 5)
}

/** A destination in this process. */
function memory(name: string): Destination & { readonly seen: string[]; fail: boolean } {
  const seen: string[] = []
  return {
    kind: 'http',
    name,
    seen,
    fail: false,
    async send(entries) {
      // Some were taken before it failed.
      seen.push(...entries.slice(0, this.fail ? 1 : entries.length).map((entry) => entry.resource_target))
      if (this.fail) throw new Error('not now')
    },
  }
}

describe('RB-131: forwarding', () => {
  it('sends what is written from then on, in order, as lines of JSON with the token', async () => {
    await write(2)
    await extendChain({ database, log: silentLogger() })
    await using collector = new HttpCollector()
    const destination = httpDestination(await collector.start(), 'collector-token')
    await using _ = forward(destination)
    await until('the destination is known', async () => (await places()).has(destination.name))
    const targets = await write(5)
    await until('all entries', () => targets.every((target) => collector.targets.includes(target)))
    expect(collector.targets).toEqual(targets)
    expect(collector.requests[0]?.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      authorization: 'Bearer collector-token',
    })
    const sequences = collector.requests.flatMap(({ entries }) => entries.map((entry) => entry.sequence))
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
    expect(collector.requests[0]?.entries[0]).toMatchObject({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      action: 'write',
      resource_type: 'user',
      status_code: 200,
      time: expect.any(String),
    })
  })

  it('keeps what is refused and sends it again, at least once, without losing the order', async () => {
    await using collector = new HttpCollector()
    const destination = httpDestination(await collector.start(), '')
    await using _ = forward(destination)
    await until('the destination is known', async () => (await places()).has(destination.name))
    for (const status of [503, 302]) {
      collector.status = status
      const before = collector.requests.length
      const [target = ''] = await write(1)
      await until('a refusal', () => collector.requests.length > before)
      collector.status = 200
      await until('it comes again', () => collector.requests.length > before + 1)
      expect(collector.requests.at(-1)?.entries.map((entry) => entry.resource_target)).toContain(target)
    }
  })

  it('goes on where a replica has stopped, and two of them send nothing twice', async () => {
    const first = memory('goes on')
    const one = forward(first)
    await until('it is known', async () => (await places()).has('goes on'))
    const before = await write(3)
    await until('the first ones', () => first.seen.length === 3)
    await one[Symbol.asyncDispose]()
    const between = await write(2)
    const second = memory('goes on')
    const third = memory('goes on')
    await using _two = forward(second)
    await using _three = forward(third)
    const after = await write(3)
    await until('the rest', () => second.seen.length + third.seen.length >= 5)
    expect([...first.seen, ...second.seen, ...third.seen].toSorted()).toEqual(
      [...before, ...between, ...after].toSorted(),
    )
  })

  it('a batch that was taken in part is sent as a whole again', async () => {
    const destination = memory('in part')
    destination.fail = true
    await using _ = forward(destination)
    await until('it is known', async () => (await places()).has('in part'))
    const targets = await write(3)
    await until('a failure', () => destination.seen.length > 0)
    destination.fail = false
    await until('all of them', () => targets.every((target) => destination.seen.includes(target)))
    expect(destination.seen.filter((target) => target === targets[0]).length).toBeGreaterThan(1)
  })

  it('says how much waits for a destination, above all while that takes nothing', async () => {
    const destination = memory('behind')
    destination.fail = true
    const metrics = new Registry()
    const context = { database, log: silentLogger(), metrics }
    await using _ = new AuditForwarder(context as never, [destination], 5)
    await until('it is known', async () => (await places()).has('behind'))
    await write(3)
    await until('the backlog', async () =>
      /slipway_audit_forward_backlog\{destination="http"\} 3/.test(await metrics.metrics()),
    )
    expect(await metrics.metrics()).toMatch(
      /slipway_audit_forward_failures_total\{destination="http"\} [1-9]/,
    )
  })

  it('nothing secret of an address is in its name, which tells those with other keys apart', () => {
    const named = (address: string): string => httpDestination(address, '').name
    const name = named('https://user:pass-word@collector.example/receiver/path-key?token=query-key')
    expect(name).toMatch(/^https:\/\/collector\.example\/#[0-9a-f]{16}$/)
    expect(name).toBe(named('https://collector.example/receiver/path-key?token=query-key'))
    expect(name).not.toBe(named('https://collector.example/receiver/path-key?token=other'))
  })

  it('one destination that is down keeps no other waiting', async () => {
    const down = memory('down')
    down.fail = true
    const up = memory('up')
    const context = { database, log: silentLogger(), metrics: new Registry() }
    await using _ = new AuditForwarder(context as never, [down, up], 5)
    await until('both are known', async () => (await places()).has('up'))
    const targets = await write(2)
    await until('the other has them', () => targets.every((target) => up.seen.includes(target)))
  })

  it('entries that were purged before they were sent are passed over', async () => {
    const destination = memory('purged')
    destination.fail = true
    await using _ = forward(destination)
    await until('it is known', async () => (await places()).has('purged'))
    const [gone = ''] = await write(1)
    await until('a failure', () => destination.seen.length > 0)
    await database.db.deleteFrom('audit_logs').where('resource_target', '=', gone).execute()
    destination.fail = false
    const [left = ''] = await write(1)
    await until('the next one', () => destination.seen.includes(left))
  })

  it('speaks syslog over TCP: RFC 5424 in counted frames, which no name can break', async () => {
    const received: Buffer[] = []
    const sink = createTcpServer((socket) => socket.on('data', (part) => received.push(part)))
    sink.listen(0, '127.0.0.1')
    await once(sink, 'listening')
    const destination = syslogDestination(`tcp://127.0.0.1:${(sink.address() as AddressInfo).port}`)
    {
      await using _ = forward(destination)
      await until('it is known', async () => (await places()).has(destination.name))
      await write(1, { resource_target: 'é\n<110>1 - - - - - - forged', status_code: 403 })
      await write(1)
      await until('two messages', () => framesOf(Buffer.concat(received)).length === 2)
    }
    sink.close()
    const [refused = '', done = ''] = framesOf(Buffer.concat(received))
    expect(refused).toMatch(/^<108>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ slipway \d+ audit - \{/)
    expect(done).toMatch(/^<110>1 /)
    expect(refused).not.toContain('\n')
    expect(JSON.parse(refused.slice(refused.indexOf('{')))).toMatchObject({
      resource_target: 'é\n<110>1 - - - - - - forged',
      status_code: 403,
    })
  })

  it('speaks syslog over UDP, and leaves out details that do not fit a datagram', async () => {
    const received: string[] = []
    const sink = createSocket('udp4')
    sink.on('message', (part) => received.push(part.toString()))
    sink.bind(0, '127.0.0.1')
    await once(sink, 'listening')
    const destination = syslogDestination(`udp://127.0.0.1:${sink.address().port}`)
    {
      await using _ = forward(destination)
      await until('it is known', async () => (await places()).has(destination.name))
      await write(1, { diff: JSON.stringify({ name: { old: '', new: 'x'.repeat(20_000), secret: false } }) })
      await until('a message', () => received.length > 0)
    }
    sink.close()
    const [text = ''] = received
    expect(Buffer.byteLength(text)).toBeLessThan(8192)
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({ truncated: true, diff: {} })
  })

  it('RFC 6066: names the server when it opens TLS, but no address', async () => {
    const hellos: Buffer[] = []
    const sink = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (part) => {
        hellos.push(part)
        socket.destroy()
      })
    })
    sink.listen(0)
    await once(sink, 'listening')
    const { port } = sink.address() as AddressInfo
    for (const host of ['localhost', '127.0.0.1'])
      await expect(
        syslogDestination(`tls://${host}:${port}`).send([], AbortSignal.timeout(10_000)),
      ).rejects.toThrow()
    sink.close()
    const [named, unnamed] = hellos
    expect(named?.includes('localhost')).toBe(true)
    expect(unnamed?.includes('127.0.0.1')).toBe(false)
  })

  it('a server forwards what its options say, and its metrics tell of it', async () => {
    await using collector = new HttpCollector()
    await using server = await startTestServer({
      env: {
        CODER_AUDIT_FORWARD_URL: (await collector.start()).replace('://', '://user:pass-word@'),
        CODER_AUDIT_FORWARD_TOKEN: 'secret-of-it',
      },
    })
    const owner = await server.owner()
    await owner.call(createToken, { params: { user: 'me' }, body: { token_name: 'watched' } })
    await until('the entry of the token', () => collector.targets.includes('watched'))
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: 'resource_target:watched' },
    })
    const sent = collector.requests.flatMap((request) => request.entries)
    expect(sent.map(({ id }) => id)).toContain(entries[0]?.id)
    const metrics = await (
      await fetch(`${server.url}${getDebugMetrics.path}`, { headers: owner.headers })
    ).text()
    expect(metrics).toMatch(/slipway_audit_forwarded_total\{destination="http"\} [1-9]/)
    expect(metrics).not.toContain('secret-of-it')
    const config = JSON.stringify(await owner.call(getDeploymentConfig))
    for (const secret of ['secret-of-it', 'pass-word', '/intake']) expect(config).not.toContain(secret)
  })
})

async function places(): Promise<Set<string>> {
  const rows = await database.db.selectFrom('audit_forwarding').select('destination').execute()
  return new Set(rows.map((row) => row.destination))
}

/** Takes a stream of counted frames apart. */
function framesOf(bytes: Buffer): string[] {
  const frames: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at)
    const length = Number(bytes.subarray(at, space).toString())
    frames.push(bytes.subarray(space + 1, space + 1 + length).toString())
    at = space + 1 + length
  }
  return frames
}

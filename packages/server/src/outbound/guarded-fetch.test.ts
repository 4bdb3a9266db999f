import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'

import { describe, expect, it } from 'vitest'

import { AddressGuard } from './address-guard.ts'
import { type GuardedCall, GuardedFetch, type LookupAll } from './guarded-fetch.ts'

const CALL: GuardedCall = { timeoutMs: 5_000, maxBytes: 1_000 }
const LOOPBACK = ['127.0.0.0/8']

interface TestTarget extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly asked: string[]
}

async function target(answer: RequestListener): Promise<TestTarget> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('OA-108: the guard of addresses', () => {
  const guard = new AddressGuard([])
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '0.0.0.0',
    '0.1.2.3',
    '100.64.0.1',
    '198.19.255.255',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '::ffff:a00:1',
    '0:0:0:0:0:FFFF:7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::1',
    '100::1',
    '2001:2::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1%eth0',
    'ff02::1',
    'localhost',
    '',
    '127.1',
  ])('does not permit %s', (address) => expect(guard.permits(address)).toBe(false))

  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::8.8.8.8'])(
    'permits %s',
    (address) => expect(guard.permits(address)).toBe(true),
  )

  it('permits what an operator opens, and nothing beside it', () => {
    const opened = new AddressGuard(['10.1.0.0/16', 'fd00::/8'])
    expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1'].map((one) => opened.permits(one))).toEqual([
      true,
      true,
      true,
    ])
    expect(['10.2.0.1', '127.0.0.1', 'fe80::1'].map((one) => opened.permits(one))).toEqual([
      false,
      false,
      false,
    ])
  })
})

describe('OA-108: guarded requests', () => {
  it.each(['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', 'localhost', '[::1]'])(
    'never contact http://%s',
    async (host) => {
      await using canary = await target((_request, response) => void response.end('secret'))
      using guarded = new GuardedFetch([])
      await expect(guarded.fetch(CALL, `http://${host}:${canary.port}/`)).rejects.toMatchObject({
        name: 'OutboundError',
        kind: 'not-permitted',
      })
      expect(canary.asked).toEqual([])
    },
  )

  it('refuse a name of which any address is inside, and use the address that was looked at', async () => {
    await using canary = await target((_request, response) => void response.end('in'))
    let asked = 0
    const rebinding: LookupAll = (host, done) => {
      asked += 1
      // The first answer would do, the second one would not.
      if (host === 'mixed.example')
        done(null, [
          { address: '1.1.1.1', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ])
      else done(null, [{ address: asked === 1 ? '127.0.0.2' : '10.0.0.1', family: 4 }])
    }
    using strict = new GuardedFetch([], rebinding)
    await expect(strict.fetch(CALL, `http://mixed.example:${canary.port}/`)).rejects.toMatchObject({
      kind: 'not-permitted',
    })
    expect(canary.asked).toEqual([])
    asked = 0
    using opened = new GuardedFetch(['127.0.0.2/32'], rebinding)
    // Nothing listens there: what counts is that nobody was asked twice.
    await expect(opened.fetch(CALL, `http://rebinding.example:${canary.port}/`)).rejects.toMatchObject({
      kind: 'unreachable',
    })
    expect(asked).toBe(1)
  })

  it('look at every redirect, without what is private', async () => {
    await using second = await target((request, response) => {
      response.end(JSON.stringify(request.headers))
    })
    await using first = await target((request, response) => {
      const to =
        request.url === '/inside'
          ? 'http://127.0.0.9/'
          : request.url === '/file'
            ? 'file:///etc/passwd'
            : `${second.url}/x`
      response.writeHead(302, { Location: to }).end()
    })
    using guarded = new GuardedFetch(['127.0.0.1/32'])
    const call = { ...CALL, redirects: 'anywhere' } as const
    await expect(guarded.fetch(call, `${first.url}/inside`)).rejects.toMatchObject({ kind: 'not-permitted' })
    await expect(guarded.fetch(call, `${first.url}/file`)).rejects.toMatchObject({ kind: 'redirect' })
    const response = await guarded.fetch(call, `${first.url}/on`, {
      headers: { Authorization: 'Bearer x', Accept: 'a/b' },
    })
    expect(await response.json()).toMatchObject({ accept: 'a/b' })
    const again = await guarded.fetch(call, `${first.url}/on`, { headers: { Authorization: 'Bearer x' } })
    expect(await again.json()).not.toHaveProperty('authorization')
    // Without leave a redirect is an answer.
    expect((await guarded.fetch(CALL, `${first.url}/on`)).status).toBe(302)
  })

  it('follow at most ten redirects, and with credentials none to another origin or method', async () => {
    await using other = await target((_request, response) => void response.end())
    await using looping = await target((request, response) => {
      const [status = 302, to = '/loop'] =
        request.url === '/away' ? [307, `${other.url}/`] : request.url === '/get' ? [303, '/done'] : []
      if (request.url === '/kept') response.writeHead(308, { Location: '/echo' }).end()
      else if (request.url === '/echo')
        text(request).then(
          (body) => response.end(`${request.method} ${body}`),
          () => response.end(),
        )
      else response.writeHead(status, { Location: to }).end()
    })
    using guarded = new GuardedFetch(LOOPBACK)
    const anywhere = { ...CALL, redirects: 'anywhere' } as const
    await expect(guarded.fetch(anywhere, `${looping.url}/loop`)).rejects.toMatchObject({ kind: 'redirect' })
    expect(looping.asked).toHaveLength(11)
    const near = { ...CALL, redirects: 'same-origin' } as const
    const post = { method: 'POST', body: 'a=b' }
    await expect(guarded.fetch(near, `${looping.url}/away`, post)).rejects.toMatchObject({ kind: 'redirect' })
    await expect(guarded.fetch(near, `${looping.url}/get`, post)).rejects.toMatchObject({ kind: 'redirect' })
    expect(other.asked).toEqual([])
    expect(await (await guarded.fetch(near, `${looping.url}/kept`, post)).text()).toBe('POST a=b')
  })

  it('are bounded in size and time, and end with their caller', async () => {
    await using slow = await target((request, response) => {
      if (request.url === '/long') response.end('x'.repeat(2_000))
      if (request.url === '/begin') response.write('x')
    })
    using guarded = new GuardedFetch(LOOPBACK)
    const long = await guarded.fetch(CALL, `${slow.url}/long`)
    await expect(long.text()).rejects.toMatchObject({ kind: 'too-large' })
    await expect(guarded.fetch({ ...CALL, timeoutMs: 50 }, `${slow.url}/never`)).rejects.toMatchObject({
      kind: 'timeout',
    })
    const begun = await guarded.fetch({ ...CALL, timeoutMs: 200 }, `${slow.url}/begin`)
    await expect(begun.text()).rejects.toMatchObject({ kind: 'timeout' })
    const caller = new AbortController()
    const streamed = await guarded.fetch({ ...CALL, timeoutMs: 200, stream: true }, `${slow.url}/begin`, {
      signal: caller.signal,
    })
    const read = streamed.text()
    caller.abort(new Error('enough'))
    await expect(read).rejects.toThrow('enough')
  })

  it('may be streams that go on for longer than their beginning may take', async () => {
    await using slow = await target((_request, response) => {
      response.write('a')
      setTimeout(() => response.end('b'), 400)
    })
    using guarded = new GuardedFetch(LOOPBACK)
    const streamed = await guarded.fetch({ ...CALL, timeoutMs: 200, stream: true }, slow.url)
    expect(await streamed.text()).toBe('ab')
  })

  it('take no answer without a status of HTTP', async () => {
    await using strange = await target((_request, response) => void response.writeHead(999).end('x'))
    using guarded = new GuardedFetch(LOOPBACK)
    await expect(guarded.fetch(CALL, strange.url)).rejects.toMatchObject({ kind: 'unreachable' })
  })

  it('give the connection up when nobody wants the body', async () => {
    const { promise: left, resolve } = Promise.withResolvers<void>()
    await using endless = await target((_request, response) => {
      response.on('close', resolve).write('x')
    })
    using guarded = new GuardedFetch(LOOPBACK)
    const streamed = await guarded.fetch({ ...CALL, stream: true }, endless.url)
    await streamed.body?.cancel()
    await left
  })

  it('take credentials of an address as they are when they are no percent-encoding', async () => {
    await using echo = await target((request, response) => void response.end(request.headers.authorization))
    using guarded = new GuardedFetch(LOOPBACK)
    const response = await guarded.fetch(CALL, `http://user:%zz@127.0.0.1:${echo.port}/`)
    expect(await response.text()).toBe(`Basic ${btoa('user:%zz')}`)
  })

  it('send what they are given, with the credentials of an address as a header', async () => {
    await using echo = await target((request, response) => {
      text(request).then(
        (body) =>
          response
            .setHeader('X-Two', ['1', '2'])
            .end(JSON.stringify({ method: request.method, body, headers: request.headers })),
        () => response.end(),
      )
    })
    using guarded = new GuardedFetch(LOOPBACK)
    const response = await guarded.fetch(CALL, `http://us%65r:p%40ss@127.0.0.1:${echo.port}/`, {
      method: 'POST',
      body: new URLSearchParams({ a: 'b c' }),
    })
    expect(response.headers.get('x-two')).toBe('1, 2')
    expect(await response.json()).toMatchObject({
      method: 'POST',
      body: 'a=b+c',
      headers: {
        authorization: `Basic ${btoa('user:p@ss')}`,
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      },
    })
    await expect(guarded.fetch(CALL, 'file:///etc/passwd')).rejects.toThrow(TypeError)
  })
})

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import { Registry } from 'prom-client'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { isRateLimited, Outbound, OutboundError } from './outbound.ts'

const call = { name: 'provider', source: 'ValidateToken' } as const
let registry: Registry
let outbound: Outbound
let server: Server
let answer: Parameters<typeof createServer>[1]
let url: string

beforeEach(async () => {
  registry = new Registry()
  outbound = new Outbound(registry, () => 1_000_000)
  server = createServer((request, response) => answer?.(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it('gives the whole answer', async () => {
  answer = (_request, response) => response.writeHead(418, { 'X-Y': 'z' }).end('short and stout')
  const response = await outbound.fetch(call, url)
  expect([response.status, response.headers.get('x-y'), await response.text()]).toEqual([
    418,
    'z',
    'short and stout',
  ])
  answer = (_request, response) => response.writeHead(204).end()
  expect((await outbound.fetch(call, url)).status).toBe(204)
})

it('follows no redirect unless that is asked for', async () => {
  answer = ({ url: path }, response) =>
    path === '/end' ? response.end('there') : response.writeHead(302, { Location: '/end' }).end()
  expect((await outbound.fetch(call, url)).status).toBe(302)
  expect(await (await outbound.fetch({ ...call, followRedirects: true }, url)).text()).toBe('there')
})

it('reads no more than its bound, also of what has no end', async () => {
  answer = (_request, response) => {
    response.on('error', () => undefined)
    const more = (): void => {
      while (response.write(Buffer.alloc(65_536)) && !response.destroyed);
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  await expect(outbound.fetch({ ...call, maxBytes: 100_000 }, url)).rejects.toMatchObject({
    kind: 'too-large',
  })
})

it('waits no longer than its time, for the body too', async () => {
  answer = (_request, response) => response.writeHead(200).write('begun')
  await expect(outbound.fetch({ ...call, timeoutMs: 100 }, url)).rejects.toMatchObject({ kind: 'timeout' })
})

it('ends with the signal of who asks', async () => {
  const controller = new AbortController()
  answer = () => controller.abort()
  await expect(outbound.fetch(call, url, { signal: controller.signal })).rejects.toBeInstanceOf(OutboundError)
})

it('speaks HTTP and nothing else', async () => {
  for (const address of ['file:///etc/passwd', 'data:text/plain,x', 'ftp://127.0.0.1/'])
    await expect(outbound.fetch(call, address)).rejects.toThrow('is not a way to reach a provider')
})

it('ID-139: does not speak TLS older than 1.2', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keySize: 2048,
  })
  for (const [minVersion, maxVersion, refusal] of [
    ['TLSv1', 'TLSv1.1', /^(?!DEPTH_ZERO_SELF_SIGNED_CERT)/],
    ['TLSv1.2', 'TLSv1.2', /DEPTH_ZERO_SELF_SIGNED_CERT/],
  ] as const) {
    const old = createTlsServer({ key, cert, minVersion, maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' })
    old.on('tlsClientError', () => undefined)
    old.listen(0, '127.0.0.1')
    await once(old, 'listening')
    const error: unknown = await outbound
      .fetch(call, `https://127.0.0.1:${(old.address() as AddressInfo).port}`)
      .catch((cause: unknown) => cause)
    // The certificate is only looked at when the version is good.
    expect(codeOf(error)).toMatch(refusal)
    old.closeAllConnections()
    old.close()
  }
})

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause)
}

it('ID-157: counts every call, those without an answer too', async () => {
  answer = (_request, response) => response.writeHead(200).end()
  await outbound.fetch(call, url)
  answer = (_request, response) => response.writeHead(403, { 'X-RateLimit-Remaining': '0' }).end()
  await outbound.fetch(call, url)
  answer = (request) => request.socket.destroy()
  await expect(outbound.fetch(call, url)).rejects.toMatchObject({ kind: 'unreachable' })
  const text = await registry.metrics()
  const line = (status: number) =>
    `coderd_oauth2_external_requests_total{name="provider",source="ValidateToken",status_code="${status}"} 1`
  for (const status of [200, 403, 0]) expect(text).toContain(line(status))
  expect(text).toContain(
    'coderd_oauth2_external_requests_rate_limited_total{name="provider",source="ValidateToken",status_code="403"} 1',
  )
})

it('ID-157: keeps what GitHub says of callers without credentials, and only of those', async () => {
  answer = (_request, response) =>
    response
      .writeHead(200, {
        'X-RateLimit-Limit': '60',
        'X-RateLimit-Remaining': '7',
        'X-RateLimit-Used': '53',
        'X-RateLimit-Reset': '1300',
        'X-RateLimit-Resource': 'core',
      })
      .end()
  await outbound.fetch({ ...call, recordLimits: true }, url, { headers: { Authorization: 'Bearer x' } })
  expect(await registry.metrics()).not.toContain('rate_limit{')
  await outbound.fetch({ ...call, recordLimits: true }, url)
  const text = await registry.metrics()
  for (const [name, value] of [
    ['', 60],
    ['_remaining', 7],
    ['_used', 53],
    ['_next_reset_unix', 1300],
    ['_reset_in_seconds', 300],
  ])
    expect(text).toContain(
      `coderd_oauth2_external_requests_rate_limit${name}{name="provider",resource="core"} ${value}`,
    )
})

it('ID-188: tells rate limits from refusals', () => {
  const limited = (status: number, headers = {}) => isRateLimited({ status, headers: new Headers(headers) })
  expect(limited(429)).toBe(true)
  expect(limited(403, { 'Retry-After': '10' })).toBe(true)
  expect(limited(403, { 'X-RateLimit-Remaining': '0' })).toBe(true)
  expect(limited(403, { 'X-RateLimit-Remaining': '5' })).toBe(false)
  expect(limited(403)).toBe(false)
  expect(limited(401, { 'Retry-After': '10' })).toBe(false)
})

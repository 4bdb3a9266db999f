import { describe, expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { clientSessionId } from './correlation.ts'
import { accessUrlRedirect } from './redirect-to-access-url.ts'
import { start } from './testing.ts'

describe('OP-23: the way to the access URL', () => {
  const rule = accessUrlRedirect({
    accessUrl: 'https://slip.example/base',
    isAppHost: (host) => host.endsWith('.apps.example'),
  })
  const visit = (
    url: string,
    host: string,
    more: { scheme?: 'http' | 'https'; method?: string; headers?: Record<string, string> } = {},
  ) =>
    rule({
      url,
      context: { method: more.method ?? 'GET', scheme: more.scheme ?? 'https' },
      headers: { host, ...more.headers },
    })

  it('who comes to another host, or without TLS, is led there with path and query', () => {
    expect(visit('/a?b=c', 'slip.example')).toBeUndefined()
    expect(visit('/a?b=c', 'SLIP.example')).toBeUndefined()
    expect(visit('/a?b=c', 'other.example')).toBe('https://slip.example/base/a?b=c')
    expect(visit('/a?b=c', 'slip.example', { scheme: 'http' })).toBe('https://slip.example/base/a?b=c')
    expect(visit('/a', 'dev.apps.example')).toBeUndefined()
    expect(visit('/a', 'slip.example.evil.example')).toBe('https://slip.example/base/a')
    expect(visit('/a', 'x', { headers: { 'x-forwarded-host': 'slip.example' } })).toBeUndefined()
  })

  it('a request with a body goes to the plain access URL', () => {
    expect(visit('/a?b=c', 'other', { method: 'POST' })).toBe('https://slip.example/base')
  })

  it('probes, relays and other replicas are answered where they are', () => {
    expect(visit('/healthz', 'other', { scheme: 'http' })).toBeUndefined()
    expect(visit('/healthz?x', 'other')).toBeUndefined()
    expect(visit('/derp', 'other')).toBeUndefined()
    expect(visit('/derp', '')).toBeUndefined()
    expect(visit('/readyz', 'other')).toBeUndefined()
    expect(visit('/derp/latency-check', 'other')).toBeUndefined()
    expect(visit('/derpy', 'other')).toBeDefined()
    expect(visit('/a', 'other', { headers: { 'x-coder-relay-source-replica': 'id' } })).toBeUndefined()
  })

  it('a target never leaves the access URL, whatever a client asks for', async () => {
    const { url } = await start({ redirect: rule })
    for (const target of ['//evil.example/x', '/%0d%0aSet-Cookie:a', '/\\evil.example', '/a#b']) {
      const answer = await fetch(`${url}${target}`, { redirect: 'manual' })
      expect(answer.status, target).toBe(307)
      expect(new URL(answer.headers.get('location') ?? '').origin, target).toBe('https://slip.example')
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
  })
})

describe('ID-101: the session id of a client', () => {
  const id = '0123456789abcdef0123456789abcdef'
  const of = (baggage: string | undefined, query = '') => clientSessionId(baggage, new URLSearchParams(query))

  it('is taken from the baggage, else from the query, if it is one', () => {
    expect(of(`client_session_id=${id}`)).toBe(id)
    expect(of(`a=b, client_session_id = ${id};ttl=1 ,c=d`)).toBe(id)
    expect(of(undefined, `client_session_id=${id}`)).toBe(id)
    expect(of('client_session_id=short', `client_session_id=${id}`)).toBe(id)
    for (const bad of [id.toUpperCase(), `${id}0`, id.slice(1), `${id.slice(1)}\n`, ''])
      expect(of(`client_session_id=${bad}`, `client_session_id=${bad}`), bad).toBeUndefined()
    expect(of(`xclient_session_id=${id}`)).toBeUndefined()
    expect(of(undefined)).toBeUndefined()
  })

  it('is in the line of the request', async () => {
    const { url, lines } = await start()
    await fetch(`${url}/api/v2/mine`, { headers: { baggage: `client_session_id=${id}` } })
    await fetch(`${url}/api/v2/mine`, { headers: { baggage: 'client_session_id="},"evil":"x' } })
    await until('both lines', () => lines.filter((line) => line.path === '/api/v2/mine').length === 2)
    expect(lines.map((line) => line.client_session_id).filter(Boolean)).toEqual([id])
  })
})

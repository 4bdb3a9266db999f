import { once } from 'node:events'
import { request } from 'node:http'

import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'

import { route } from '@slipway/contract'
import { forSession } from './bind.ts'
import type { QueryTokenPolicy } from './query-tokens.ts'
import { start } from './testing.ts'
import type { Credential } from './token-source.ts'

const handOver = forSession(
  route('GET /api/v2/applications/auth-redirect', {
    id: 'hand-over',
    tag: 'Test',
    responses: { 200: Type.String() },
  }),
  async ({ owner }) => owner.username,
)

/** Statuses of: each parameter on an ordinary request, an upgrade, the redirect of apps, a header. */
async function statuses(queryTokens: QueryTokenPolicy): Promise<number[]> {
  const { url } = await start({ queryTokens, routes: [handOver] })
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
    const sent = request(`${url}${path}`, { headers })
    sent.end()
    const [answer] = await once(sent, 'response')
    answer.resume()
    return answer.statusCode
  }
  return [
    await ask('/api/v2/mine?coder_session_token=other'),
    await ask('/api/v2/mine?access_token=other'),
    await ask('/api/v2/mine?access_token=other', {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
    }),
    await ask('/api/v2/applications/auth-redirect?coder_session_token=other'),
    await ask('/api/v2/mine?access_token=junk', { 'Coder-Session-Token': 'other' }),
  ]
}

describe('ID-202: tokens in queries', () => {
  it.each([
    ['all', [200, 200, 200, 200, 200]],
    ['no-oauth', [200, 200, 200, 200, 200]],
    ['websocket', [401, 401, 200, 200, 200]],
    ['none', [401, 401, 401, 401, 200]],
  ] as const)('%s', async (policy, expected) => {
    expect(await statuses(policy)).toEqual(expected)
  })

  it('are counted by route and parameter, whether they count or not', async () => {
    const { url, metrics } = await start({ queryTokens: 'none' })
    await fetch(`${url}/api/v2/mine?access_token=a&coder_session_token=b`)
    await fetch(`${url}/api/v2/mine?access_token=a`)
    await fetch(`${url}/api/v2/mine?access_token=&page=1`)
    const of = (param: string) => `slipway_query_token_requests_total{path="/api/v2/mine",param="${param}"} `
    expect(metrics()).toContain(`${of('access_token')}2\n`)
    expect(metrics()).toContain(`${of('coder_session_token')}1\n`)
    expect(metrics()).not.toContain('="a"')
  })
})

describe('ID-56: where a token is taken from', () => {
  const who = async (query: string, headers: Record<string, string>) => {
    const asked: (Credential | undefined)[] = []
    const { url } = await start({
      validate: (token, context) => {
        asked.push(token)
        return context.precheck
      },
    })
    await fetch(`${url}/api/v2/mine${query}`, { headers })
    return asked[0]
  }
  const everything = {
    Cookie: 'coder_session_token=A',
    'Coder-Session-Token': 'C',
    Authorization: 'Bearer D',
  }

  it('cookie, query, header, Bearer, access_token: the first that has one, and no other is looked at', async () => {
    const query = '?coder_session_token=B&access_token=E'
    const { Cookie: _cookie, ...withoutCookie } = everything
    const { 'Coder-Session-Token': _header, ...bearer } = withoutCookie
    expect(await who(query, everything)).toBe('A')
    expect(await who(query, withoutCookie)).toBe('B')
    expect(await who('?access_token=E', withoutCookie)).toBe('C')
    expect(await who('?access_token=E', bearer)).toBe('D')
    expect(await who('?access_token=%20E%20', {})).toBe('E')
  })

  it.each([
    ['an empty cookie', '', { ...everything, Cookie: 'coder_session_token=' }, 'C'],
    ['an empty parameter', '?coder_session_token=', { 'Coder-Session-Token': 'C' }, 'C'],
    ['an empty header', '', { 'Coder-Session-Token': '', Authorization: 'Bearer D' }, 'D'],
    ['spaces and another case of Bearer', '', { Authorization: '  bEaReR    D  ' }, 'D'],
    ['another scheme', '?access_token=E', { Authorization: 'Basic D' }, 'E'],
    ['a word that only begins like Bearer', '?access_token=E', { Authorization: 'Bearers D' }, 'E'],
    ['ID-57: an empty Bearer', '?access_token=E', { Authorization: 'Bearer ' }, undefined],
    ['two equal cookies', '', { Cookie: 'coder_session_token=A; coder_session_token=X' }, 'A'],
    ['a cookie with the prefix that is off', '', { Cookie: '__Host-coder_session_token=A' }, undefined],
    ['another case of the cookie', '', { Cookie: 'CODER_SESSION_TOKEN=A' }, undefined],
    ['a parameter given twice', '?coder_session_token=B&coder_session_token=X', {}, 'B'],
  ] as const)('%s', async (_what, query, headers, expected) => {
    expect(await who(query, headers)).toBe(expected)
  })

  it('headers that come twice are no way to smuggle a second key in', async () => {
    const asked: (Credential | undefined)[] = []
    const { url } = await start({
      validate: (token, context) => {
        asked.push(token)
        return context.precheck
      },
    })
    for (const headers of [
      { 'Coder-Session-Token': ['A', 'B'] },
      { Authorization: ['Bearer A', 'Bearer B'] },
    ]) {
      const sent = request(`${url}/api/v2/mine`, { headers })
      sent.end()
      const [answer] = await once(sent, 'response')
      answer.resume()
    }
    // Both lines of a header that is not ours to split make no key at all; of `Authorization` the first line counts.
    expect(asked).toEqual(['A, B', 'A'])
  })
})

describe('ID-58: the cookie that is bound to this host', () => {
  const cookies = { secure: true, sameSite: 'lax', hostPrefix: true } as const
  const ask = async (cookie: string) => {
    const { url } = await start({ cookies })
    const answer = await fetch(`${url}/api/v2/mine`, { headers: { Cookie: cookie } })
    return { status: answer.status, cookie: answer.headers.get('set-cookie') }
  }

  it('counts alone; one without the prefix is taken away from the client', async () => {
    expect(await ask('__Host-coder_session_token=other')).toEqual({ status: 200, cookie: null })
    for (const cookie of [
      'coder_session_token=other',
      'coder_session_token=boss; __Host-coder_session_token=x',
    ]) {
      const answer = await ask(cookie)
      expect(answer.status).toBe(401)
      expect(answer.cookie).toMatch(/^coder_session_token=; Path=\/; Max-Age=-1/)
    }
  })
})

import { describe, expect, it } from 'vitest'

import { corsFor } from './cors.ts'
import { requireMcpOrigin } from './own-pages.ts'
import { start } from './testing.ts'

describe('ID-133, OA-5, OA-B21: pages of other origins', () => {
  const preflight = async (path: string, headers: Record<string, string> = {}) => {
    const { url } = await start()
    return fetch(`${url}${path}`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://x.example', 'Access-Control-Request-Method': 'POST', ...headers },
    })
  }
  const list = (answer: Response, name: string) => (answer.headers.get(name) ?? '').split(', ')

  it('row 42: may use the authorization server and nothing else', async () => {
    for (const path of [
      '/oauth2/register',
      '/api/experimental/mcp/http',
      '/.well-known/oauth-protected-resource',
    ]) {
      const answer = await preflight(path)
      expect([answer.status, answer.headers.get('access-control-allow-origin')], path).toEqual([200, '*'])
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect(answer.headers.get('access-control-max-age')).toBe('86400')
    }
    for (const path of ['/api/v2/users/me', '/oauth2', '/api/experimental/mcpx', '/x/oauth2/register'])
      expect((await preflight(path)).headers.get('access-control-allow-origin'), path).toBeNull()
  })

  it('may send what the flows need and read what they answer', async () => {
    const answer = await preflight('/oauth2/tokens')
    expect(list(answer, 'access-control-allow-methods')).toEqual(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
    expect(list(answer, 'access-control-allow-headers')).toEqual([
      'Content-Type',
      'Accept',
      'Authorization',
      'x-api-key',
      'Mcp-Session-Id',
      'MCP-Protocol-Version',
      'Last-Event-ID',
      'Mcp-Method',
      'Mcp-Name',
      'DPoP',
    ])
    expect(list(answer, 'access-control-expose-headers')).toEqual([
      'Content-Type',
      'Authorization',
      'x-api-key',
      'Mcp-Session-Id',
      'MCP-Protocol-Version',
      'WWW-Authenticate',
      'DPoP-Nonce',
      'Retry-After',
    ])
  })

  it('hear on answers that they may read them, and what they may send only before they send it', async () => {
    const { url } = await start()
    const { headers } = await fetch(`${url}/.well-known/oauth-authorization-server`)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    for (const name of ['methods', 'headers']) expect(headers.get(`access-control-allow-${name}`)).toBeNull()
    expect(headers.get('access-control-max-age')).toBeNull()
  })

  it('may send parameters of tools under their names, and no other header', async () => {
    const asked = 'content-type, mcp-param-region, Mcp-Param-Zone, cookie, x-evil, mcp-param-a b'
    const answer = await preflight('/api/experimental/mcp/http', { 'Access-Control-Request-Headers': asked })
    const allowed = list(answer, 'access-control-allow-headers')
    expect(allowed).toEqual(expect.arrayContaining(['mcp-param-region', 'Mcp-Param-Zone', 'DPoP']))
    expect(allowed).toHaveLength(12)
    expect(answer.headers.get('vary')).toContain('Access-Control-Request-Headers')
    const many = Array.from({ length: 500 }, (_, index) => `mcp-param-${index}`).join(',')
    const bounded = corsFor('/oauth2/tokens', 'OPTIONS', false, many)
    expect(bounded?.['Access-Control-Allow-Headers']?.split(', ')).toHaveLength(74)
  })
})

describe('OA-B20: pages that may use the MCP server', () => {
  const refused = (origin: string | undefined, accessUrl = 'https://slip.example', allowCors = false) => {
    try {
      requireMcpOrigin(
        { headers: origin === undefined ? {} : { origin } },
        { accessUrl: () => accessUrl, config: { mcpAllowedOrigins: ['https://client.example'], allowCors } },
      )
      return undefined
    } catch (error) {
      return error
    }
  }

  it('are those of the access URL and those that the operator allows; programs send no origin', () => {
    for (const origin of [undefined, 'https://slip.example', 'https://client.example'])
      expect(refused(origin), origin).toBeUndefined()
    for (const origin of [
      'https://evil.example',
      'http://slip.example',
      'https://slip.example:8443',
      'https://slip.example.evil.example',
      'https://sub.slip.example',
      'http://localhost:3000',
      'null',
      '',
      'x',
    ])
      expect(refused(origin), origin).toMatchObject({ status: 403 })
    expect(refused('https://evil.example', 'https://slip.example', true)).toBeUndefined()
  })

  it('this machine has several names', () => {
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000'])
      expect(refused(origin, 'http://127.0.0.1:3000'), origin).toBeUndefined()
    for (const origin of [
      'http://localhost:3001',
      'https://localhost:3000',
      'http://localhost.evil.example:3000',
    ])
      expect(refused(origin, 'http://127.0.0.1:3000'), origin).toMatchObject({ status: 403 })
  })
})

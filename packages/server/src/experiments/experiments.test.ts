import { describe, expect, it } from 'vitest'

import { EXPERIMENTS, getAvailableExperiments, getExperiments, isDevelopmentBuild } from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { parseConfig } from '../config/index.ts'
import { enabledExperiments, requireExperiments } from './experiments.ts'

describe('OP-115: which experiments are on', () => {
  it.each([
    [[], ['mcp-server-http', 'oauth2']],
    [['*'], ['mcp-server-http', 'oauth2']],
    [['example'], ['example', 'mcp-server-http', 'oauth2']],
    [
      ['OAuth2', ' Example '],
      ['example', 'mcp-server-http', 'oauth2'],
    ],
    [['-oauth2'], ['mcp-server-http']],
    [['oauth2', '-oauth2', '*'], ['mcp-server-http']],
    [['-oauth2', '-mcp-server-http'], []],
    [
      ['made-up', '-made-up', 'toString', '__proto__'],
      ['mcp-server-http', 'oauth2'],
    ],
  ])('%j: %j', (named, enabled) => {
    expect(enabledExperiments(named)).toEqual(enabled)
  })

  it('each has a name and a line that says what it does', () => {
    for (const { displayName, description } of Object.values(EXPERIMENTS))
      expect([displayName, description].every((text) => text.length > 5 || text === 'Example')).toBe(true)
  })

  it('OA-B26: a plain start has both, and tells', async () => {
    await using server = await startTestServer()
    const owner = await server.owner()
    expect(await owner.call(getExperiments)).toEqual(['mcp-server-http', 'oauth2'])
    expect(await owner.call(getAvailableExperiments)).toEqual({ safe: ['mcp-server-http', 'oauth2'] })
    await expect(server.anonymous.call(getExperiments)).rejects.toMatchObject({ status: 401 })
  })
})

describe('OA-1, OA-2, ID-140, ID-141: gates', () => {
  const context = (experiments: string, version = 'v2.36.0') => {
    const parsed = parseConfig([], { CODER_EXPERIMENTS: experiments })
    if (parsed.kind !== 'start') throw new Error('bad configuration')
    return { config: parsed.config, version }
  }

  it('one experiment is named as it is shown, several by their ids, all of them', () => {
    expect(() => requireExperiments(context('-oauth2'), ['oauth2'])).toThrow(
      `OAuth2 Provider Functionality functionality requires enabling the 'oauth2' experiment.`,
    )
    expect(() => requireExperiments(context('-mcp-server-http'), ['mcp-server-http'])).toThrow(
      `MCP HTTP Server Functionality functionality requires enabling the 'mcp-server-http' experiment.`,
    )
    expect(() => requireExperiments(context('-oauth2'), ['oauth2', 'mcp-server-http'])).toThrow(
      'This functionality requires enabling the following experiments: oauth2, mcp-server-http',
    )
    expect(() => requireExperiments(context('example'), ['oauth2', 'mcp-server-http'])).not.toThrow()
  })

  it.each([
    ['v2.36.0', false],
    ['v2.36.0+slipway.0.1.0', false],
    ['v2.36.0-rc.1', false],
    ['v2.36.0-devel+abc', true],
    ['v0.0.0', true],
    ['v0.0.0-rc.1', false],
  ])('UI-302: %s is a development build: %s', (version, isDevelopment) => {
    expect(isDevelopmentBuild(version)).toBe(isDevelopment)
    const gate = () => requireExperiments(context('-oauth2', version), ['oauth2'])
    if (isDevelopment) expect(gate).not.toThrow()
    else expect(gate).toThrow()
  })

  async function statuses(server: TestServer, path: string) {
    const owner = await server.owner()
    const answers = []
    for (const headers of [{}, owner.headers]) {
      const response = await fetch(`${server.url}${path}`, { headers })
      answers.push({ status: response.status, body: await response.json() })
    }
    return answers
  }

  it('OA-1, OA-3: without the experiment all of it is refused, the management API after the sign-in', async () => {
    await using server = await startTestServer({ env: { CODER_EXPERIMENTS: '-oauth2' } })
    const refusal = {
      status: 403,
      body: {
        message: `OAuth2 Provider Functionality functionality requires enabling the 'oauth2' experiment.`,
      },
    }
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/api/experimental/mcp/http',
      '/oauth2/clients/x',
      // Under which there is nothing, and what answers another method only.
      '/oauth2/nothing',
      '/oauth2/revoke',
    ])
      for (const answer of await statuses(server, path)) expect(answer, path).toMatchObject(refusal)
    for (const path of ['/api/v2/oauth2-provider/apps', '/api/v2/oauth2-provider/settings']) {
      const [anonymous, signedIn] = await statuses(server, path)
      expect(anonymous?.status).toBe(401)
      expect(signedIn).toMatchObject(refusal)
    }
    for (const path of ['authorize', 'tokens', 'revoke', 'introspect', 'par', 'device', 'device/decision']) {
      const answer = await fetch(`${server.url}/oauth2/${path}`, { method: 'POST' })
      expect([answer.status, await answer.json()], path).toMatchObject([
        403,
        { message: refusal.body.message },
      ])
      expect(answer.headers.get('cache-control'), path).toBe('no-store')
    }
    const { headers } = await server.owner()
    // What is wrong with them otherwise is told by what is switched on.
    for (const [method, path] of [
      ['POST', '/api/v2/oauth2-provider/apps'],
      ['POST', '/api/v2/oauth2-provider/apps/x/secrets'],
      ['GET', '/api/v2/oauth2-provider/apps?user_id=x'],
      ['GET', '/oauth2/device?user_code=a&user_code=b'],
      ['DELETE', '/oauth2/tokens?client_id=a&client_id=b'],
    ] as const) {
      const body = method === 'POST' ? '{"expires_at":7}' : null
      const answer = await fetch(`${server.url}${path}`, { method, headers, body })
      expect([answer.status, await answer.json()], path).toMatchObject([
        403,
        { message: refusal.body.message },
      ])
    }
    const ended = await fetch(`${server.url}/oauth2/tokens`, { method: 'DELETE' })
    expect([ended.status, await ended.json()]).toMatchObject([403, { message: refusal.body.message }])
    const register = await fetch(`${server.url}/oauth2/register`, { method: 'POST', body: '{' })
    expect([register.status, await register.json()]).toMatchObject([403, { message: refusal.body.message }])
    expect(register.headers.get('cache-control')).toBe('no-store')
    expect(await (await server.owner()).call(getExperiments)).toEqual(['mcp-server-http'])
  })
})

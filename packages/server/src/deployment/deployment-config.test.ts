import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { getDeploymentConfig } from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { optionEntries } from '../config/options.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_ADDITIONAL_CSP_POLICY: 'img-src https://cdn.example',
      CODER_OIDC_AUTH_URL_PARAMS: '{"access_type":"offline"}',
      CODER_OIDC_GROUP_MAPPING: '{"a":"b"}',
      CODER_SUPPORT_LINKS: '[{"name":"Help","target":"https://help.example","icon":"bug"}]',
      CODER_EXTERNAL_AUTH_0_ID: 'github',
      CODER_EXTERNAL_AUTH_0_TYPE: 'github',
      CODER_EXTERNAL_AUTH_0_CLIENT_ID: 'client',
      CODER_EXTERNAL_AUTH_0_CLIENT_SECRET: 'secret-of-github',
      CODER_PROMETHEUS_ADDRESS: '127.0.0.1:0',
    },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

describe('OP-10: the configuration', () => {
  it('shows every option at its place, whatever the contract describes', async () => {
    const owner = await server.owner()
    const { config } = await owner.call(getDeploymentConfig)
    const missing = optionEntries
      .flatMap(([, { wire }]) => (wire === undefined ? [] : [wire]))
      .filter((wire) => at(config, wire.split('.')) === undefined)
    expect(missing).toEqual([])
  })

  it('keeps the shape of what is structured', async () => {
    const owner = await server.owner()
    const { config, options } = await owner.call(getDeploymentConfig)
    expect(config.oidc.auth_url_params).toEqual({ access_type: 'offline' })
    expect(config.oidc.group_mapping).toEqual({ a: 'b' })
    expect(config.additional_csp_policy).toEqual(['img-src https://cdn.example'])
    expect(JSON.stringify(config.support.links)).toContain('https://help.example')
    expect(JSON.stringify(config.external_auth)).toContain('github')
    expect(JSON.stringify({ config, options })).not.toContain('secret-of-github')
    const option = options.find(({ flag }) => flag === 'session-duration')
    expect(option).toMatchObject({
      group: { name: 'HTTP', yaml: 'http', parent: { name: 'Networking', yaml: 'networking' } },
      value: 86_400_000_000_000,
    })
    // Clients in Go read it into a type of its own, and none of the options where they cannot.
    expect(options.find(({ name }) => name === 'Postgres Auth')?.value).toEqual({
      Choices: ['password', 'awsiamrds'],
      Value: 'password',
    })
  })
})

function at(tree: unknown, [first, ...rest]: readonly string[]): unknown {
  if (first === undefined) return tree
  return typeof tree === 'object' && tree !== null ? at(Reflect.get(tree, first), rest) : undefined
}

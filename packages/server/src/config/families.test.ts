import { describe, expect, it } from 'vitest'

import { refusal, start } from './testing.ts'

const provider = (number: number, keys: Record<string, string>, prefix = 'CODER_EXTERNAL_AUTH_') =>
  Object.fromEntries(Object.entries(keys).map(([key, text]) => [`${prefix}${number}_${key}`, text]))

describe('OP-8: external auth providers', () => {
  it('come from variables, in the order of their numbers, after those of the file', () => {
    const env = Object.assign(
      {},
      ...Array.from({ length: 11 }, (_, n) => provider(n, { ID: `p${n}`, CLIENT_ID: 'c' })),
      provider(0, { ID: 'former', CLIENT_ID: 'c' }, 'CODER_GITAUTH_'),
    )
    const yaml = 'externalAuthProviders: [{ id: file, client_id: c, scopes: [a, b] }]\n'
    const { config, sources } = start({ env, yaml })
    expect(config.externalAuthProviders.map(({ id }) => id)).toEqual([
      'file',
      ...Array.from({ length: 11 }, (_, n) => `p${n}`),
      'former',
    ])
    expect(sources.get('externalAuthProviders')).toBe('env')
  })

  it('know every key of the specification', () => {
    const keys = {
      ID: 'git',
      TYPE: 'gitlab',
      CLIENT_ID: 'c',
      CLIENT_SECRET: 's',
      AUTH_URL: 'https://g/a',
      TOKEN_URL: 'https://g/t',
      REVOKE_URL: 'https://g/r',
      VALIDATE_URL: 'https://g/v',
      REDIRECT_URL: 'https://s/cb',
      REGEX: 'g\\.example',
      DEVICE_FLOW: 'true',
      DEVICE_CODE_URL: 'https://g/d',
      NO_REFRESH: '1',
      SCOPES: 'api  read',
      EXTRA_TOKEN_KEYS: 'a b',
      APP_INSTALL_URL: 'https://g/i',
      APP_INSTALLATIONS_URL: 'https://g/is',
      DISPLAY_NAME: 'Git',
      DISPLAY_ICON: '/icon.svg',
      MCP_URL: 'https://g/m',
      MCP_TOOL_ALLOW_REGEX: 'a.*',
      MCP_TOOL_DENY_REGEX: 'b.*',
      PKCE_METHODS: 'S256 plain',
      API_BASE_URL: 'https://g/api',
    }
    expect(start({ env: provider(0, keys) }).config.externalAuthProviders).toEqual([
      {
        id: 'git',
        type: 'gitlab',
        clientId: 'c',
        clientSecret: 's',
        authUrl: 'https://g/a',
        tokenUrl: 'https://g/t',
        revokeUrl: 'https://g/r',
        validateUrl: 'https://g/v',
        redirectUrl: 'https://s/cb',
        regex: 'g\\.example',
        deviceFlow: true,
        deviceCodeUrl: 'https://g/d',
        noRefresh: true,
        scopes: ['api', 'read'],
        extraTokenKeys: ['a', 'b'],
        appInstallUrl: 'https://g/i',
        appInstallationsUrl: 'https://g/is',
        displayName: 'Git',
        displayIcon: '/icon.svg',
        mcpUrl: 'https://g/m',
        mcpToolAllowRegex: 'a.*',
        mcpToolDenyRegex: 'b.*',
        pkceMethods: ['S256', 'plain'],
        apiBaseUrl: 'https://g/api',
      },
    ])
  })

  it('tell PKCE that is switched off from PKCE that is not mentioned', () => {
    const methods = (keys: Record<string, string>) =>
      start({ env: provider(0, { ID: 'x', CLIENT_ID: 'c', ...keys }) }).config.externalAuthProviders[0]
        ?.pkceMethods
    expect(methods({})).toBeUndefined()
    expect(methods({ PKCE_METHODS: 'none' })).toEqual(['none'])
  })

  it('are refused with a gap, a missing key part or a name that is not a number', () => {
    expect(refusal({ env: { CODER_EXTERNAL_AUTH_1_ID: 'x' } })).toEqual([
      'CODER_EXTERNAL_AUTH_0_…: is missing, but CODER_EXTERNAL_AUTH_1_… is set; count from 0',
    ])
    for (const name of ['CODER_EXTERNAL_AUTH_ID', 'CODER_EXTERNAL_AUTH_0', 'CODER_EXTERNAL_AUTH_x_ID'])
      expect(refusal({ env: { [name]: 'x' } })).toEqual([
        `${name}: must be CODER_EXTERNAL_AUTH_<number>_<key>, such as CODER_EXTERNAL_AUTH_0_ID`,
      ])
    expect(start({ env: { CODER_EXTERNAL_AUTH_1_ID: '' } }).config.externalAuthProviders).toEqual([])
  })

  it('leave variables of other purposes alone', () => {
    const env = {
      CODER_EXTERNAL_AUTH_GITHUB_DEFAULT_PROVIDER_ENABLE: 'false',
      CODER_EXTERNAL_AUTH_ACCESS_TOKEN_X: 'y',
    }
    const { config } = start({ env })
    expect(config.externalAuthProviders).toEqual([])
    expect(config.externalAuthGithubDefaultProviderEnable).toBe(false)
  })

  it('ignore unknown keys of variables (ID-178) but not those of the file (OP-4)', () => {
    const env = provider(0, { ID: 'x', CLIENT_ID: 'c', FUTURE: 'y' })
    expect(start({ env }).config.externalAuthProviders).toHaveLength(1)
    expect(refusal({ yaml: 'externalAuthProviders: [{ id: x, client_id: c, client_secrt: s }]\n' })).toEqual([
      'externalAuthProviders in slipway.yaml: entry 0: there is no key "client_secrt"; did you mean client_secret?',
    ])
  })

  it('report all faults together, each naming its member', () => {
    const env = {
      ...provider(0, { ID: 'a b', AUTH_URL: 'nowhere', NO_REFRESH: 'maybe', REGEX: '(' }),
      ...provider(1, { ID: 'same', CLIENT_ID: 'c', DEVICE_FLOW: 'true' }),
      ...provider(2, { TYPE: 'same', CLIENT_ID: 'c' }),
      ...provider(3, { CLIENT_ID: 'c' }),
    }
    expect(refusal({ env })).toEqual([
      'CODER_EXTERNAL_AUTH_0: AUTH_URL must be an absolute URL such as https://example.com',
      'CODER_EXTERNAL_AUTH_0: REGEX must be a regular expression',
      'CODER_EXTERNAL_AUTH_0: NO_REFRESH must be true or false',
      'CODER_EXTERNAL_AUTH_0: ID "a b" may hold letters, digits and single dashes only',
      'CODER_EXTERNAL_AUTH_0: needs CLIENT_ID',
      'CODER_EXTERNAL_AUTH_1: needs DEVICE_CODE_URL for the device flow',
      'CODER_EXTERNAL_AUTH_2: ID "same" is used twice; give one of them another',
      'CODER_EXTERNAL_AUTH_3: needs ID or TYPE',
    ])
  })
})

describe('OP-8: AI gateway providers', () => {
  const PREFIX = 'CODER_AI_GATEWAY_PROVIDER_'

  it('come from present or former variables, and AG-106 not from both', () => {
    const members = (prefix: string) => ({
      ...provider(0, { TYPE: 'openai', KEYS: 'a, b', BASE_URL: 'https://o/' }, prefix),
      ...provider(1, { TYPE: 'anthropic', NAME: 'second', KEY: 'c' }, prefix),
    })
    const former = 'CODER_AIBRIDGE_PROVIDER_'
    for (const prefix of [PREFIX, former])
      expect(start({ env: members(prefix) }).config.aiGatewayProviders).toMatchObject([
        { type: 'openai', name: 'openai', keys: ['a', 'b'], baseUrl: 'https://o' },
        { type: 'anthropic', name: 'second', keys: ['c'] },
      ])
    const both = { ...members(PREFIX), ...provider(0, { TYPE: 'google', KEY: 'd' }, former) }
    expect(refusal({ env: both })).toEqual([
      `${former}…: is the former name of ${PREFIX}…; use one of both for all providers`,
    ])
  })

  it('AG-106: a field that is not known is warned of', () => {
    const { config, warnings } = start({ env: provider(0, { TYPE: 'openai', COLOUR: 'red' }, PREFIX) })
    expect(config.aiGatewayProviders).toHaveLength(1)
    expect(warnings).toContain(`${PREFIX}0_COLOUR is not known and has no effect`)
  })

  it('report all faults together', () => {
    const env = {
      ...provider(0, { TYPE: 'openai', KEY: 'a', KEYS: 'a,b' }, PREFIX),
      ...provider(1, { TYPE: 'openai', KEYS: 'a,a,b,c,d,e', BASE_URL: 'x' }, PREFIX),
      ...provider(2, { TYPE: 'magic' }, PREFIX),
      ...provider(3, { TYPE: 'bedrock', BEDROCK_ACCESS_KEY: 'a' }, PREFIX),
    }
    const errors = refusal({ env })
    expect(errors.map((line) => line.slice(PREFIX.length))).toEqual([
      '0: give KEY or KEYS, not both',
      '1: BASE_URL must be an absolute URL such as https://example.com',
      '1: KEYS must be 5 at most',
      '1: KEYS must not repeat a key',
      '1: NAME "openai" is used twice; give one of them another',
      expect.stringMatching(/^2: TYPE must be one of openai, /),
      '3: BEDROCK_ACCESS_KEYS and BEDROCK_ACCESS_KEY_SECRETS must be equally many',
    ])
    expect(refusal({ env: { [`${PREFIX}2_TYPE`]: 'openai' } })).toHaveLength(1)
  })
})

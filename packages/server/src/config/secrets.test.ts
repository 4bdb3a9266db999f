import { describe, expect, it } from 'vitest'

import { deploymentConfig } from './deployment-config.ts'
import { type AnyOption, yamlPath } from './option.ts'
import { aliases, optionEntries } from './options.ts'
import { type Given, parse, printed, refusal, start } from './testing.ts'

const MARK = 'S3CRETplanted'

/** A value that holds the mark and that the type of the option reads. */
function planted({ type }: AnyOption): string {
  const texts = [
    `postgres://slipway:${MARK}@db.example/slipway`,
    `redis://slipway:${MARK}@cache.example:6379`,
    `https://slipway:${MARK}@collector.example/intake`,
    `${MARK}${'A'.repeat(43 - MARK.length)}=`,
    `${MARK}-of-thirty-two-bytes-at-least`,
  ]
  const text = texts.find((candidate) => type.parse(candidate).ok)
  if (text === undefined) throw new Error('no text with the mark fits the type')
  return text
}

const secrets = optionEntries.filter(([, option]) => option.secret === true)
const names = [
  ...secrets,
  ...aliases.filter(({ option }) => option.secret).map(({ of, option }) => [of, option] as const),
]

/** Ways to give a secret, each with the key of the option that it arrives in. */
const ways: readonly (readonly [string, string, Given])[] = names.flatMap(([key, option]) => {
  const text = planted(option)
  const files = { '/run/secret': `${text}\n` }
  const passwordFile = key === 'emailAuthPassword'
  return [
    [`--${option.flag}`, key, { argv: [`--${option.flag}`, text] }] as const,
    [`${option.env}`, key, { env: { [`${option.env}`]: text } }] as const,
    // The files of the mail password are options of their own.
    ...(passwordFile
      ? []
      : [
          [`--${option.flag}-file`, key, { argv: [`--${option.flag}-file=/run/secret`], files }] as const,
          [`${option.env}_FILE`, key, { env: { [`${option.env}_FILE`]: '/run/secret' }, files }] as const,
        ]),
  ]
})

const FAMILIES: Given['env'] = {
  CODER_EXTERNAL_AUTH_0_ID: 'git',
  CODER_EXTERNAL_AUTH_0_CLIENT_ID: 'public',
  CODER_EXTERNAL_AUTH_0_CLIENT_SECRET: MARK,
  CODER_EXTERNAL_AUTH_0_AUTH_URL: `https://user:${MARK}@git.example/auth`,
  CODER_GITAUTH_0_ID: 'old',
  CODER_GITAUTH_0_CLIENT_ID: 'public',
  CODER_GITAUTH_0_CLIENT_SECRET: MARK,
  CODER_AI_GATEWAY_PROVIDER_0_TYPE: 'openai',
  CODER_AI_GATEWAY_PROVIDER_0_KEYS: `${MARK}1,${MARK}2`,
  CODER_AI_GATEWAY_PROVIDER_1_TYPE: 'bedrock',
  CODER_AI_GATEWAY_PROVIDER_1_BEDROCK_ACCESS_KEY: MARK,
  CODER_AI_GATEWAY_PROVIDER_1_BEDROCK_ACCESS_KEY_SECRET: MARK,
  CODER_AI_GATEWAY_PROVIDER_2_TYPE: 'anthropic',
  CODER_AI_GATEWAY_PROVIDER_2_KEY: MARK,
}

/** Everything that is shown of a configuration. */
function shown(given: Given): string {
  const result = parse(given)
  const report = result.kind === 'start' ? JSON.stringify(deploymentConfig(result)) : ''
  const warnings = result.kind === 'start' ? result.warnings.join('\n') : ''
  const argv = given.argv ?? []
  return [
    report,
    warnings,
    printed({ ...given, argv: [...argv, '--debug-options'] }),
    printed({ ...given, argv: [...argv, '--write-config'] }),
  ].join('\n')
}

describe('OP-6: secret options', () => {
  it('are those of the specification, and have no YAML key', () => {
    expect(secrets.map(([, option]) => option.flag).sort()).toEqual([
      'ai-gateway-anthropic-key',
      'ai-gateway-bedrock-access-key',
      'ai-gateway-bedrock-access-key-secret',
      'ai-gateway-openai-key',
      // Ours.
      'audit-forward-token',
      'audit-forward-url',
      'chat-hook-secret',
      'email-auth-password',
      'external-token-encryption-keys',
      'oauth2-github-client-secret',
      'oauth2-registration-tokens',
      'oidc-client-secret',
      'postgres-url',
      'provisioner-daemon-psk',
      // Ours.
      'rate-limit-valkey-url',
      'scim-auth-header',
      'trace-honeycomb-api-key',
    ])
    for (const [key, option] of names) expect([key, yamlPath(option)]).toEqual([key, undefined])
  })
})

describe('OP-7: secrets from files', () => {
  const files = { '/run/secret': 'from a file\n' }

  it('a flag or a variable names the file; one newline at its end does not count', () => {
    expect(start({ argv: ['--scim-auth-header-file=/run/secret'], files }).config.scimAuthHeader).toBe(
      'from a file',
    )
    const { config, sources } = start({
      env: { CODER_SCIM_AUTH_HEADER_FILE: '/run/secret' },
      files: { '/run/secret': 'two lines\n\n' },
    })
    expect([config.scimAuthHeader, sources.get('scimAuthHeader')]).toEqual(['two lines\n', 'env'])
  })

  it('a value and a file in one source are an error; a flag still wins over the variable of a file', () => {
    expect(refusal({ argv: ['--scim-auth-header=x', '--scim-auth-header-file=/run/secret'], files })).toEqual(
      ['--scim-auth-header: cannot be combined with --scim-auth-header-file; leave one out'],
    )
    expect(
      refusal({ env: { CODER_SCIM_AUTH_HEADER: 'x', CODER_SCIM_AUTH_HEADER_FILE: '/run/secret' }, files }),
    ).toEqual(['CODER_SCIM_AUTH_HEADER: cannot be combined with CODER_SCIM_AUTH_HEADER_FILE; leave one out'])
    const env = { CODER_SCIM_AUTH_HEADER_FILE: '/run/secret' }
    expect(start({ argv: ['--scim-auth-header=x'], env, files }).config.scimAuthHeader).toBe('x')
  })

  it('a file that cannot be read refuses the start and names both', () => {
    expect(refusal({ env: { CODER_PG_CONNECTION_URL_FILE: '/gone' } })).toEqual([
      expect.stringMatching(/^CODER_PG_CONNECTION_URL_FILE: the file \/gone cannot be read/),
    ])
  })

  it('--email-auth-password-file and its former name stay options of their own', () => {
    for (const flag of ['--email-auth-password-file', '--notifications-email-auth-password-file']) {
      const { config } = start({ argv: [`${flag}=/run/secret`], files })
      expect([config.emailAuthPasswordFile, config.emailAuthPassword]).toEqual(['/run/secret', ''])
    }
    for (const name of ['CODER_EMAIL_AUTH_PASSWORD_FILE', 'CODER_NOTIFICATIONS_EMAIL_AUTH_PASSWORD_FILE'])
      expect(start({ env: { [name]: '/run/secret' }, files }).config.emailAuthPasswordFile).toBe(
        '/run/secret',
      )
  })

  it('only secrets have files', () => {
    expect(refusal({ argv: ['--access-url-file=/run/secret'], files })[0]).toMatch(
      /^--access-url-file: there is no/,
    )
  })
})

describe('OP-11: nothing secret is shown', () => {
  it.each(ways)('OP-11: %s is masked everywhere, and its source is told', (_way, key, given) => {
    const result = start(given)
    expect(JSON.stringify([...Object.entries(result.config)].find(([name]) => name === key))).toContain(MARK)
    expect(shown(given)).not.toContain(MARK)
    const name = optionEntries.find(([candidate]) => candidate === key)?.[1].name
    const reported = deploymentConfig(result).options.find((option) => option.name === name)
    expect(reported).toMatchObject({
      value: null,
      annotations: { secret: 'true' },
      value_source: given.argv === undefined ? 'env' : 'flag',
    })
  })

  it('OP-11: indexed families keep ids and no secret, from variables, YAML and the flag', () => {
    const yaml = `externalAuthProviders: [{ id: file, client_id: public, client_secret: ${MARK} }]\n`
    const flag = `--external-auth-providers=[{"id":"flag","client_id":"public","client_secret":"${MARK}"}]`
    for (const given of [{ env: FAMILIES, yaml }, { argv: [flag] }] satisfies Given[]) {
      const { config } = start(given)
      expect(JSON.stringify(config.externalAuthProviders)).toContain(MARK)
      expect(shown(given)).not.toContain(MARK)
    }
    const text = JSON.stringify(deploymentConfig(start({ env: FAMILIES, yaml })))
    for (const id of ['git', 'old', 'file', 'openai', 'bedrock', 'anthropic'])
      expect(text).toContain(`"${id}"`)
  })

  it('OP-11: a password inside a URL is not reported', () => {
    const argv = [`--ai-gateway-proxy-upstream=http://user:${MARK}@proxy.example:3128`]
    expect(JSON.stringify(deploymentConfig(start({ argv })))).not.toContain(MARK)
    expect(printed({ argv: [...argv, '--debug-options'] })).not.toContain(MARK)
  })

  it('OP-11: refusals do not repeat secrets', () => {
    const env = {
      CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: MARK,
      CODER_PG_CONNECTION_URL: MARK,
      CODER_CHAT_HOOK_SECRET: MARK,
      CODER_EXTERNAL_AUTH_0_CLIENT_SECRET: MARK,
      CODER_AI_GATEWAY_PROVIDER_0_KEYS: `${MARK},${MARK}`,
      CODER_AI_GATEWAY_PROXY_UPSTREAM: `ftp://user:${MARK}@proxy.example`,
    }
    const errors = refusal({ env, argv: [`--external-auth-providers={client_secret: ${MARK}}`] })
    expect(errors.length).toBeGreaterThan(6)
    expect(errors.join('\n')).not.toContain(MARK)
  })
})

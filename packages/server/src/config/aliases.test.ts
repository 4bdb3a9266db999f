import { describe, expect, it } from 'vitest'

import { deploymentConfig } from './deployment-config.ts'
import { optionLabel } from './option.ts'
import { aliases, optionEntries } from './options.ts'
import { start } from './testing.ts'

const deprecations = (warnings: readonly string[]) => warnings.filter((line) => line.includes('deprecated'))

describe('OP-5: deprecated names', () => {
  it('work and print one warning that names the replacement', () => {
    const { config, sources, warnings } = start({ argv: ['--aibridge-max-concurrency', '1'] })
    expect(config.aiGatewayMaxConcurrency).toBe(1)
    expect(sources.get('aiGatewayMaxConcurrency')).toBe('flag')
    expect(deprecations(warnings)).toEqual([
      '--aibridge-max-concurrency is deprecated, please use --ai-gateway-max-concurrency',
    ])
  })

  it('mark both names as set by that source', () => {
    const { options } = deploymentConfig(start({ env: { CODER_AIBRIDGE_RATE_LIMIT: '7' } }))
    for (const flag of ['aibridge-rate-limit', 'ai-gateway-rate-limit'])
      expect(options.find((option) => option.flag === flag)).toMatchObject({ value: 7, value_source: 'env' })
  })

  it('give way to the present name of the same source, and to any name of a higher one', () => {
    const both = ['--aibridge-rate-limit=1', '--ai-gateway-rate-limit=2']
    expect(start({ argv: both }).config.aiGatewayRateLimit).toBe(2)
    expect(start({ argv: both.toReversed() }).config.aiGatewayRateLimit).toBe(2)
    expect(
      start({ argv: ['--aibridge-rate-limit=1'], env: { CODER_AI_GATEWAY_RATE_LIMIT: '2' } }).config
        .aiGatewayRateLimit,
    ).toBe(1)
  })

  it('work in every source', () => {
    const yaml = 'aibridge: { rate_limit: 3 }\nnotifications: { email: { emailTLS: { serverName: a } } }\n'
    const { config, warnings } = start({ yaml })
    expect([config.aiGatewayRateLimit, config.emailTlsServerName]).toEqual([3, 'a'])
    expect(deprecations(warnings)).toEqual([
      'notifications.email.emailTLS.serverName in slipway.yaml is deprecated, please use --email-tls-server-name',
      'aibridge.rate_limit in slipway.yaml is deprecated, please use --ai-gateway-rate-limit',
    ])
  })
})

describe('OP-14: aliases that must keep working', () => {
  it('every --aibridge-… and --notifications-email-… flag and variable reads into its present option', () => {
    const present = new Map(optionEntries)
    for (const { of, option } of aliases) {
      const target = present.get(of)
      expect(target, of).toBeDefined()
      expect(option.type).toBe(target?.type)
      expect(option.secret).toBe(target?.secret)
    }
    const flags = aliases.map(({ option }) => option.flag)
    for (const [, { flag }] of optionEntries) {
      if (flag?.startsWith('email-')) expect(flags).toContain(`notifications-${flag}`)
      if (flag?.startsWith('ai-gateway-') && !/^ai-gateway-(dump-dir|proxy-target)$/.test(flag))
        expect(flags).toContain(flag.replace('ai-gateway', 'aibridge'))
    }
  })

  it('--address sets the listener that is on, unless a higher source names that listener', () => {
    const at = (given: Parameters<typeof start>[0]) => start(given).config.httpAddress?.port
    expect(at({ argv: ['-a', ':81'] })).toBe(81)
    expect(at({ argv: ['-a', ':81', '--http-address=:82'] })).toBe(81)
    expect(at({ env: { CODER_ADDRESS: ':81' }, argv: ['--http-address=:82'] })).toBe(82)
    const tls = start({ argv: ['--address=:81', '--tls-enable'] })
    expect([tls.config.tlsAddress?.port, tls.config.httpAddress?.port]).toEqual([81, 3000])
    const { sources, warnings } = start({ argv: ['--address=:81'] })
    expect(sources.get('httpAddress')).toBe('flag')
    expect(deprecations(warnings)).toEqual(['--address is deprecated, please use --http-address'])
  })

  it('--verbose is the filter .*, and that filter is verbose', () => {
    const { config, sources } = start({ env: { CODER_VERBOSE: 'true' } })
    expect([config.logFilter, sources.get('logFilter')]).toEqual([['.*'], 'env'])
    expect(start({ argv: ['-v', '-l', 'a'] }).config.logFilter).toEqual(['a', '.*'])
    expect(start({ argv: ['-l', '.*'] }).config.verbose).toBe(true)
    expect(start({ argv: ['-l', 'a'] }).config.verbose).toBe(false)
  })

  it('--tls-redirect-http-to-https counts only when it is given, also under its former variable', () => {
    const redirects = (given: Parameters<typeof start>[0]) => start(given).config.redirectToAccessUrl
    expect(redirects({})).toBe(false)
    expect(redirects({ argv: ['--tls-redirect-http-to-https'] })).toBe(true)
    expect(redirects({ argv: ['--tls-redirect-http-to-https=false'] })).toBe(false)
    expect(redirects({ env: { CODER_TLS_REDIRECT_HTTP: 'true' } })).toBe(true)
    expect(
      redirects({ env: { CODER_TLS_REDIRECT_HTTP: 'true' }, argv: ['--redirect-to-access-url=false'] }),
    ).toBe(false)
    expect(deprecations(start({ env: { CODER_TLS_REDIRECT_HTTP: '1' } }).warnings)).toEqual([
      'CODER_TLS_REDIRECT_HTTP is deprecated, please use --redirect-to-access-url',
    ])
  })

  it('--telemetry-enable and CODER_TELEMETRY still switch telemetry', () => {
    const argv = ['--telemetry-url=https://t.example']
    expect(start({ argv: [...argv, '--telemetry-enable'] }).config.telemetryEnable).toBe(true)
    expect(start({ argv, env: { CODER_TELEMETRY: 'true' } }).config.telemetryEnable).toBe(true)
    expect(
      start({ argv, env: { CODER_TELEMETRY: 'true', CODER_TELEMETRY_ENABLE: 'false' } }).config
        .telemetryEnable,
    ).toBe(false)
  })

  it('the flags of organization, group and role sync are still read', () => {
    const { config } = start({
      argv: [
        '--oidc-organization-field=orgs',
        '--oidc-group-mapping={"a": "b"}',
        '--oidc-user-role-field=roles',
      ],
    })
    expect([config.oidcOrganizationField, config.oidcGroupMapping, config.oidcUserRoleField]).toEqual([
      'orgs',
      { a: 'b' },
      'roles',
    ])
  })

  it('an alias is reported with the option to use instead', () => {
    const { options } = deploymentConfig(start({}))
    const instead = (env: string) => options.find((option) => option.env === env)?.use_instead?.[0]?.name
    expect(instead('CODER_TELEMETRY')).toBe('Telemetry Enable')
    expect(instead('CODER_VERBOSE')).toBe('Log Filter')
    expect(instead('CODER_TLS_REDIRECT_HTTP')).toBe('Redirect to Access URL')
    for (const { option } of aliases) expect(optionLabel(option)).not.toBe('')
  })
})

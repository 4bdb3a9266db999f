import { describe, expect, it } from 'vitest'

import { deploymentConfig } from './deployment-config.ts'
import { fileFlag } from './flags.ts'
import { yamlPath } from './option.ts'
import { aliases, optionEntries } from './options.ts'
import { SPECIFIED } from './specified-options.ts'
import { start } from './testing.ts'

const all = [...optionEntries.map(([, option]) => option), ...aliases.map(({ option }) => option)]

function repeated(texts: readonly (string | undefined)[]): readonly string[] {
  const given = texts.filter((text) => text !== undefined)
  return given.filter((text, at) => given.indexOf(text) !== at)
}

describe('OP-1: the option table', () => {
  it('reads every default, and a start without anything is one', () => {
    for (const [key, { type, default: text = '' }] of optionEntries)
      expect([key, type.parse(text)]).toMatchObject([key, { ok: true }])
    expect(start({}).config.sessionDuration).toBe(86_400_000)
  })

  it('writes every default as a text that reads back as the same value', () => {
    for (const [key, { type, default: text = '' }] of optionEntries) {
      const parsed = type.parse(text)
      if (parsed.ok && parsed.value !== undefined)
        expect([key, type.parse(type.format(parsed.value))]).toEqual([key, parsed])
    }
  })

  it('has each flag, short flag, variable, YAML key, wire name and title once', () => {
    const files = all
      .filter(({ secret }) => secret)
      .flatMap(({ flag }) => (flag === undefined ? [] : [fileFlag(flag)]))
    const flags = all.map(({ flag }) => flag)
    expect(repeated(flags)).toEqual([])
    // A file flag that is an option of its own keeps that meaning (OP-7).
    expect(files.filter((flag) => flags.includes(flag)).sort()).toEqual([
      'email-auth-password-file',
      'notifications-email-auth-password-file',
    ])
    expect(repeated(all.map(({ shorthand }) => shorthand))).toEqual([])
    expect(repeated(all.map(({ env }) => env))).toEqual([])
    expect(repeated(all.map(yamlPath))).toEqual([])
    expect(repeated(all.map(({ wire }) => wire))).toEqual([])
    expect(repeated(all.map(({ name }) => name))).toEqual([])
  })

  it('nests nothing under a value: no YAML key and no wire name is the beginning of another', () => {
    for (const paths of [all.map(yamlPath), all.map(({ wire }) => wire)])
      for (const path of paths)
        expect(path !== undefined && paths.filter((other) => other?.startsWith(`${path}.`)).length > 0).toBe(
          false,
        )
  })

  it('names options that exist where it says what to use instead', () => {
    const keys = optionEntries.map(([key]) => key)
    for (const [, { useInstead }] of optionEntries)
      if (useInstead !== undefined) expect(keys).toContain(useInstead)
    for (const { of } of aliases) expect(keys).toContain(of)
  })

  it('explains every option in a sentence', () => {
    for (const { name, help } of all) expect([name, /^[A-Z].*\.$/.test(help)]).toEqual([name, true])
  })
})

describe('OP-10: the deployment report', () => {
  const { config, options } = deploymentConfig(start({ argv: ['--access-url=https://a.example'] }))

  it('has the titles that the dashboard looks up', () => {
    const names = options.map(({ name }) => name)
    for (const name of [
      'Access URL',
      'Wildcard Access URL',
      'Experiments',
      'SSH Keygen Algorithm',
      'Secure Auth Cookie',
      'Disable Owner Workspace Access',
      'OIDC Client ID',
      'OAuth2 GitHub Client ID',
    ])
      expect(names).toContain(name)
  })

  it('has the groups that the dashboard looks up', () => {
    const groups = new Set(options.flatMap(({ group }) => [group?.name, group?.parent?.name]))
    for (const group of [
      'Networking',
      'TLS',
      'OIDC',
      'GitHub',
      'Introspection',
      'Notifications',
      'AI Gateway',
    ])
      expect(groups).toContain(group)
  })

  it('nests values by wire name, with durations in nanoseconds and addresses as texts', () => {
    expect(config).toMatchObject({
      access_url: 'https://a.example',
      http_address: '127.0.0.1:3000',
      session_lifetime: {
        default_duration: 86_400_000_000_000,
        max_admin_token_lifetime: 604_800_000_000_000,
      },
      tls: { enable: false, min_version: 'tls12', cert_file: [] },
      pg_connection_url: '',
    })
  })

  it('tells flag, variable, YAML key, default, group and source of an option, and leaves out what is empty', () => {
    expect(options.find(({ name }) => name === 'Session Duration')).toEqual({
      name: 'Session Duration',
      description: 'How long a browser session lasts; activity extends it unless that is switched off.',
      flag: 'session-duration',
      env: 'CODER_SESSION_DURATION',
      yaml: 'networking.http.sessionDuration',
      default: '24h',
      value: 86_400_000_000_000,
      value_source: 'default',
      group: {
        name: 'HTTP',
        description: 'The plain listener, sessions and browser policies.',
        yaml: 'http',
        parent: {
          name: 'Networking',
          description: 'How the server is reached and what it trusts.',
          yaml: 'networking',
        },
      },
    })
    expect(options.find(({ name }) => name === 'Postgres Connection URL')).toEqual({
      name: 'Postgres Connection URL',
      description: 'PostgreSQL 13 or newer to use. Without it the server runs one of its own.',
      flag: 'postgres-url',
      env: 'CODER_PG_CONNECTION_URL',
      annotations: { secret: 'true' },
      value: null,
    })
    expect(options.map(({ name }) => name)).not.toContain('Write Config')
  })
})

describe('OP-1: the options of the specification', () => {
  const byFlag = new Map(all.map((option) => [option.flag, option]))

  it.each(SPECIFIED)('OP-1: --%s', (flag, env, yaml, fallback) => {
    const option = byFlag.get(flag)
    expect(option).toBeDefined()
    if (option === undefined) return
    const normal = (text: string) => {
      const parsed = option.type.parse(text)
      return parsed.ok ? option.type.format(parsed.value) : `${text} is refused`
    }
    expect({
      env: option.env ?? '',
      yaml: yamlPath(option) ?? '',
      default: normal(option.default ?? ''),
    }).toEqual({ env, yaml, default: normal(fallback) })
  })
})

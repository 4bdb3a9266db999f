import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { type AnyOption, yamlPath } from './option.ts'
import { optionEntries } from './options.ts'
import { parse, printed, start } from './testing.ts'

/** Texts of lists and texts that some check demands. */
const SPECIAL = [
  '10.0.0.0/8,::1/128',
  'ServerAliveInterval=30',
  'includeSubDomains',
  'agent_name,username',
  'typescript',
  'my-org/my-team',
  '*.apps.example.com',
  '127.0.0.1:25',
  '.*,a+b',
  'auto',
  'CRON_TZ=Europe/Berlin 30 2 * * *',
  '[{"name": "a", "target": "b", "icon": "bug"}]',
  '[{"id": "git", "type": "x", "client_id": "c", "pkce_methods": ["none"], "scopes": "a b", "no_refresh": true}]',
  '{"a": "true", "b": "~"}',
  '{"a": ["1", "x: y"]}',
]

/** Texts that the type of an option reads. */
function texts({ type }: AnyOption): fc.Arbitrary<string> {
  const any = fc.oneof(
    fc.constantFrom(...SPECIAL),
    fc.constantFrom(
      'true',
      'false',
      '1',
      '7',
      '100',
      '90m',
      '36h5m',
      '1ns',
      'https://a.example/x?y=1',
      '[::1]:80',
    ),
    fc.constantFrom(...type.kind.split('|')),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.constantFrom(
      '',
      ' ',
      '~',
      'null',
      '- a',
      'a: b',
      '# x',
      '0x10',
      '1e3',
      'a\nb',
      '"',
      "'",
      '|',
      '*a',
      '&a',
    ),
  )
  return any.filter((text) => type.parse(text).ok)
}

const written = optionEntries.filter(
  ([, option]) => option.flag !== undefined && yamlPath(option) !== undefined,
)

const someFlags = fc
  .uniqueArray(fc.constantFrom(...written), { minLength: 1, maxLength: 8, selector: ([key]) => key })
  .chain((chosen) =>
    fc.tuple(...chosen.map(([, option]) => texts(option).map((text) => `--${option.flag}=${text}`))),
  )

describe('OP-4: --write-config', () => {
  it('prints a file that reads back as the same configuration', () => {
    fc.assert(
      fc.property(someFlags, (argv) => {
        const yaml = printed({ argv: [...argv, '--write-config'] })
        expect(printed({ yaml, argv: ['--write-config'] })).toBe(yaml)
        const [first, again] = [parse({ argv }), parse({ yaml })]
        expect(again.kind).toBe(first.kind)
        if (first.kind !== 'start' || again.kind !== 'start') return
        const values = new Map<string, unknown>(Object.entries(again.config))
        // Deprecated options are not written: what they do is in the values of the present ones.
        for (const [key, option] of written)
          if (option.useInstead === undefined)
            expect([key, values.get(key)]).toEqual([
              key,
              Object.entries(first.config).find(([k]) => k === key)?.[1],
            ])
      }),
      { numRuns: 60 },
    )
  })

  it('says what deprecated options do by their replacements', () => {
    const argv = [
      '--verbose',
      '--tls-redirect-http-to-https=false',
      '--address=:9',
      '--redirect-to-access-url',
    ]
    const yaml = printed({ argv: [...argv, '--write-config'] })
    const again = start({ yaml })
    expect(again.warnings.filter((line) => line.includes('deprecated'))).toEqual([])
    expect(again.config).toMatchObject({
      verbose: true,
      logFilter: ['.*'],
      redirectToAccessUrl: false,
      httpAddress: { host: '0.0.0.0', port: 9 },
    })
  })

  it('explains each key and warns of nothing when it is used unchanged', () => {
    const yaml = printed({ argv: ['--write-config', '--access-url=https://a.example'] })
    expect(yaml).toContain('# URL under which users and workspaces reach this deployment.')
    for (const line of yaml.split('\n')) expect(line.length).toBeLessThan(180)
    expect(start({ yaml }).warnings).toEqual([])
  })

  it('writes even settings that contradict each other, so that they can be looked at', () => {
    expect(printed({ argv: ['--http-address=', '--write-config'] })).toContain('httpAddress: ""')
  })
})

describe('OP-4: --debug-options', () => {
  it('prints every option with value and source', () => {
    const text = printed({
      argv: ['--session-duration=90m', '--debug-options'],
      env: { CODER_OIDC_SCOPES: 'a,"b,c"' },
      yaml: 'updateCheck: false\n',
    })
    const lines = text.split('\n')
    expect(lines).toContain('--session-duration=1h30m (flag)')
    expect(lines).toContain('--oidc-scopes=a,"b,c" (env)')
    expect(lines).toContain('--update-check=false (yaml)')
    expect(lines).toContain('--tls-min-version=tls12 (default)')
    expect(lines).toContain('--access-url= (unset)')
    expect(lines.filter((line) => line !== '')).toHaveLength(
      optionEntries.filter(([, option]) => option.instruction !== true).length,
    )
  })

  it('OP-B5: prints as JSON what the deployment report says, for families of variables too', () => {
    const json = JSON.parse(
      printed({
        argv: ['--session-duration=90m', '--debug-options', '-o', 'json', '--oidc-client-secret=hidden-one'],
        env: { CODER_EXTERNAL_AUTH_0_TYPE: 'github', CODER_EXTERNAL_AUTH_0_CLIENT_ID: 'client' },
      }),
    )
    const of = (name: string) => json.find((one: { name: string }) => one.name === name)
    expect(of('Session Duration')).toMatchObject({
      flag: 'session-duration',
      value: 5_400_000_000_000,
      default: '24h',
      value_source: 'flag',
    })
    expect(of('External Auth Providers')).toMatchObject({ default: '', value_source: 'env' })
    expect(of('OIDC Client Secret')).toMatchObject({ value: null, value_source: 'flag' })
    expect(JSON.stringify(json)).not.toContain('hidden-one')
    const unset = JSON.parse(printed({ argv: ['--debug-options', '--output=json'] }))
    const families = unset.filter(({ name }: { name: string }) =>
      /^(External Auth|AI Gateway) Providers$/.test(name),
    )
    expect(families.length).toBeGreaterThan(0)
    for (const family of families) expect(family).toMatchObject({ default: '', value_source: 'default' })
  })
})

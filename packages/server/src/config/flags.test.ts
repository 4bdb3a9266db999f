import fc from 'fast-check'
import { expect, it } from 'vitest'

import { parse, printed, refusal, start } from './testing.ts'

it('OP-3: a flag takes its value after a space or an equals sign, and has a short form', () => {
  expect(start({ argv: ['--cluster-host', 'a'] }).config.clusterHost).toBe('a')
  expect(start({ argv: ['--cluster-host=a=b'] }).config.clusterHost).toBe('a=b')
  expect(start({ argv: ['-l', 'a'] }).config.logFilter).toEqual(['a'])
  expect(start({ argv: ['-l=a'] }).config.logFilter).toEqual(['a'])
  expect(start({ argv: ['--cluster-host', '-x'] }).config.clusterHost).toBe('-x')
})

it('OP-3: a bare bool flag is true, an empty one false', () => {
  expect(start({ argv: ['--swagger-enable', '--browser-only'] }).config.swaggerEnable).toBe(true)
  expect(start({ argv: ['--update-check='] }).config.updateCheck).toBe(false)
  expect(start({ argv: ['--update-check=false'] }).config.updateCheck).toBe(false)
})

it('OP-3: a repeated list flag appends, any other takes the last value', () => {
  const argv = ['--oidc-scopes', 'a,b', '--oidc-scopes', '"c,d"', '--cluster-host=x', '--cluster-host=y']
  const { config } = start({ argv })
  expect(config.oidcScopes).toEqual(['a', 'b', 'c,d'])
  expect(config.clusterHost).toBe('y')
})

it('OP-3: a variable is one record', () => {
  expect(start({ env: { CODER_OIDC_SCOPES: 'a,"b,c"' } }).config.oidcScopes).toEqual(['a', 'b,c'])
})

it('OP-3: an unknown flag is refused with the one that was meant', () => {
  expect(refusal({ argv: ['--acces-url=https://a'] })).toEqual([
    '--acces-url: there is no such flag; did you mean --access-url?',
  ])
  expect(refusal({ argv: ['--access_url', 'https://a.example'] })).toEqual([
    '--access_url: there is no such flag; did you mean --access-url?',
  ])
  expect(refusal({ argv: ['--qqqqqqqqqqqqqqq'] })).toEqual([
    '--qqqqqqqqqqqqqqq: there is no such flag; see --help',
  ])
  expect(refusal({ argv: ['server'] })).toEqual(['"server": is not a flag; see --help'])
  expect(refusal({ argv: ['--cluster-host'] })).toEqual(['--cluster-host: a value must follow'])
})

it('OP-3: all bad values of all sources are reported together, each naming its option', () => {
  const errors = refusal({
    argv: ['--session-duration=soon', '--tls-min-version', 'ssl3', '--nope-nope-nope-nope'],
    env: { CODER_HTTP_ADDRESS: 'here', CODER_PG_CONN_MAX_OPEN: '0', CODER_EXTERNAL_AUTH_1_ID: 'x' },
    yaml: 'updateCheck: perhaps\nnetworking: { proxyTrustedOrigins: [nowhere], wrong: 1 }\n',
  })
  expect(errors.map((line) => line.split(':')[0]).sort()).toEqual([
    '--nope-nope-nope-nope',
    '--session-duration',
    '--tls-min-version',
    'CODER_EXTERNAL_AUTH_0_…',
    'CODER_HTTP_ADDRESS',
    'CODER_PG_CONN_MAX_OPEN',
    'networking.proxyTrustedOrigins in slipway.yaml',
    'networking.wrong in slipway.yaml',
    'updateCheck in slipway.yaml',
  ])
  expect(errors).toContain('--session-duration: must be a duration such as 30s, 1h30m or 7d, not "soon"')
  expect(errors).toContain('--tls-min-version: must be tls10, tls11, tls12 or tls13, not "ssl3"')
})

it('OP-3: durations of retentions are accepted in days and weeks, and 0', () => {
  const kept = (text: string) => start({ argv: ['--audit-logs-retention', text] }).config.auditLogsRetention
  expect([kept('30d'), kept('2w'), kept('0')]).toEqual([30 * 86_400_000, 14 * 86_400_000, 0])
  expect(refusal({ argv: ['--audit-logs-retention', 'abc'] })[0]).toMatch(/^--audit-logs-retention: /)
})

it('OP-3: whatever is given, nothing is thrown and every fault is one line that says something', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '--access-url',
      '--oidc-scopes=',
      '-l',
      '--',
      '-',
      '--=',
      '--postgres-url-file',
      '--x\ny',
    ),
  )
  fc.assert(
    fc.property(fc.array(word), fc.string({ unit: 'binary' }), (argv, yaml) => {
      const result = parse({ argv, yaml })
      if (result.kind === 'refused')
        for (const line of result.errors) expect(line).toMatch(/^[^\r\n]*\S[^\r\n]*$/)
    }),
  )
})

it('OP-3: help lists every option that is not hidden, once, and wins over faults', () => {
  const help = printed({ argv: ['--nope', '--help'] })
  expect(help).toContain('--access-url url (CODER_ACCESS_URL)')
  expect(help).toContain('--http-address host:port (CODER_HTTP_ADDRESS, default 127.0.0.1:3000)')
  expect(help).not.toContain('--aibridge-')
  expect(help).not.toContain('--verbose')
  const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--\S+)/gm)].map(([, flag]) => flag)
  expect(new Set(flags).size).toBe(flags.length)
})

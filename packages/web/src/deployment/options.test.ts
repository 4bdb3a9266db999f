import { expect, it } from 'vitest'

import { durationText, envLines, matches, type Option, pageOf, replacements, valueText } from './options.ts'

const option = (more: Partial<Option>): Option => ({
  name: 'Name',
  description: 'What it is for.',
  value: '',
  ...more,
})

it('UI-1403: options are copied as variables, quoted, and secrets without their value', () => {
  expect(
    envLines([
      option({ env: 'CODER_ACCESS_URL', value: 'https://dev.example.com' }),
      option({ env: 'CODER_OIDC_SCOPES', value: ['openid', 'email'] }),
      option({ env: 'CODER_SUPPORT', value: "it's here" }),
      option({ env: 'CODER_SECRET', value: null, annotations: { secret: 'true' } }),
      option({ value: 'a flag only' }),
    ]),
  ).toBe(
    "CODER_ACCESS_URL=https://dev.example.com\nCODER_OIDC_SCOPES=openid,email\nCODER_SUPPORT='it'\\''s here'\n# CODER_SECRET=",
  )
})

it('UI-1403: lengths of time are shown as they are written', () => {
  expect(durationText(5_400_000_000_000)).toBe('1h30m')
  expect(durationText(0)).toBe('0s')
  expect(durationText(1_500_000_000)).toBe('1s500ms')
  expect(valueText(option({ value: 60_000_000_000, default: '1m' }))).toBe('1m')
  expect(valueText(option({ value: 3, default: '3' }))).toBe('3')
  expect(valueText(option({ value: { Choices: ['a', 'b'], Value: 'b' } }))).toBe('b')
})

it('UI-1403: each option has a page', () => {
  expect(pageOf(option({ flag: 'oidc-issuer-url' }))).toBe('userauth')
  expect(pageOf(option({ flag: 'external-auth-providers' }))).toBe('external-auth')
  expect(pageOf(option({ flag: 'secure-auth-cookie', group: { name: 'Networking' } }))).toBe('security')
  expect(pageOf(option({ flag: 'tls-enable', group: { name: 'TLS', parent: { name: 'Networking' } } }))).toBe(
    'network',
  )
  expect(
    pageOf(option({ flag: 'log-human', group: { name: 'Logging', parent: { name: 'Introspection' } } })),
  ).toBe('observability')
  expect(pageOf(option({ flag: 'experiments' }))).toBe('overview')
})

it('UI-1403: the search reads names, flags, variables and values, but no secret', () => {
  const access = option({
    name: 'Access URL',
    flag: 'access-url',
    env: 'CODER_ACCESS_URL',
    value: 'https://dev',
  })
  expect(matches(access, 'access')).toBe(true)
  expect(matches(access, '--access-url')).toBe(true)
  expect(matches(access, 'coder_access dev')).toBe(true)
  expect(matches(access, 'oidc')).toBe(false)
})

it('UI-1403: a deprecated option names its successor', () => {
  expect(
    replacements(option({ use_instead: [option({ name: 'HTTP Address', flag: 'http-address' })] })),
  ).toEqual(['--http-address'])
})

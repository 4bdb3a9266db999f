import fc from 'fast-check'
import { expect, it } from 'vitest'

import { otherPortHost, pathAppAddress, portOf, subdomainAddress, wildcardLabel } from './app-address.ts'

it('AC-180: path apps are found by owner, workspace, agent and slug', () => {
  expect(pathAppAddress('/@ada/dev.main/apps/docs/a/b?c=d')).toMatchObject({
    owner: 'ada',
    workspace: 'dev',
    agent: 'main',
    slugOrPort: 'docs',
    basePath: '/@ada/dev.main/apps/docs/',
    target: '/a/b?c=d',
  })
  expect(pathAppAddress('/%40ada/dev/apps/docs')).toMatchObject({ agent: undefined, target: '' })
  for (const url of ['/@ada/dev', '/@ada/dev/terminal', '/api/v2/users', '/@a..b/dev/apps/x/'])
    expect(pathAppAddress(url)).toBeUndefined()
})

it('AC-181: labels name an app or a port, with or without an agent', () => {
  expect(subdomainAddress('docs--dev--ada', '/')).toMatchObject({ slugOrPort: 'docs', agent: undefined })
  expect(subdomainAddress('8080--main--dev--ada', '/')).toMatchObject({ slugOrPort: '8080', agent: 'main' })
  expect(subdomainAddress('pre---docs--dev--ada', '/')).toMatchObject({
    slugOrPort: 'docs',
    prefix: 'pre---',
  })
  for (const label of ['docs', '8080--dev--ada', '8443s--dev--ada'])
    expect(subdomainAddress(label, '/'), label).toBeUndefined()
})

it('AC-181: a port has four or five digits, and an s for HTTPS', () => {
  expect(portOf('8080')).toEqual({ port: 8080, tls: false })
  expect(portOf('8443s')).toEqual({ port: 8443, tls: true })
  for (const text of ['80', '808080', '70000', 'docs']) expect(portOf(text)).toBeUndefined()
})

it('AC-213: a port has two host names, an app has one', () => {
  expect(otherPortHost('8080--main--dev--ada.apps.test:3000')).toBe('8080s--main--dev--ada.apps.test:3000')
  expect(otherPortHost('pre---8080s--main--dev--ada.apps.test')).toBe('pre---8080--main--dev--ada.apps.test')
  expect(otherPortHost('docs--dev--ada.apps.test')).toBeUndefined()
})

it('AC-182: the wildcard stands for one label, whatever the case and the port', () => {
  expect(wildcardLabel('*.apps.test', 'Docs--dev--ada.APPS.test:3000')).toBe('docs--dev--ada')
  expect(wildcardLabel('*-apps.test', 'x--y--z-apps.test')).toBe('x--y--z')
  for (const host of ['apps.test', 'a.b.apps.test', 'other.test', ''])
    expect(wildcardLabel('*.apps.test', host)).toBeUndefined()
})

it('L-S5: a host is an app host only when all of it is, whatever it looks like', () => {
  const piece = fc.constantFrom(
    'a',
    'apps',
    'test',
    '.',
    '-',
    '--',
    '_',
    '%',
    '*',
    '|',
    ':80',
    '@',
    '/',
    '\\',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const host = pieces.join('')
      const label = wildcardLabel('*.apps.test', host)
      const [, before] = /^([^.]+)\.apps\.test\.?(?::\d+)?$/.exec(host) ?? []
      expect([host, label]).toEqual([host, before])
    }),
    { numRuns: 3_000 },
  )
  // No character of the wildcard is a pattern for others.
  for (const host of [
    'a-apps.test',
    'a.apps-test',
    'a.appsxtest',
    'x.apps.test.evil',
    'evil.test/.apps.test',
  ])
    expect([host, wildcardLabel('*.apps.test', host)]).toEqual([host, undefined])
})

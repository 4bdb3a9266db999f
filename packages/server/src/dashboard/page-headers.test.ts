import { describe, expect, it } from 'vitest'

import { createLogger } from '@slipway/request-log'
import type { Config } from '../config/index.ts'
import { pageHeaders } from './page-headers.ts'

function headers(
  options: Partial<Config> = {},
  request: { host: string; scheme: 'http' | 'https' } = { host: 'dev.example.com', scheme: 'https' },
  lines: string[] = [],
  path = '/workspaces',
  accessUrl = 'https://dev.example.com',
): Record<string, string> {
  const config = {
    additionalCspPolicy: [],
    strictTransportSecurity: 0,
    strictTransportSecurityOptions: [],
    wildcardAccessUrl: '',
    ...options,
  }
  const log = createLogger({ level: 'debug', sink: { write: (line) => void lines.push(line) } })
  return pageHeaders({ config, log, accessUrl: () => accessUrl })(request, path)
}

function directive(policy: string | undefined, name: string): string[] {
  const found = policy?.split('; ').find((one) => one.startsWith(`${name} `))
  return found?.split(' ').slice(1) ?? []
}

describe('headers of the dashboard', () => {
  it('ID-134: everything comes from us, and violations are reported', () => {
    const policy = headers()['Content-Security-Policy']
    expect(directive(policy, 'default-src')).toEqual(["'self'"])
    expect(directive(policy, 'script-src')).toEqual(["'self'"])
    expect(directive(policy, 'connect-src')).toEqual(["'self'", 'wss://dev.example.com'])
    expect(directive(policy, 'report-uri')).toEqual(['/api/v2/csp/reports'])
  })

  it.each([
    ['*.apps.example.com', 'https://dev.example.com', 'https://*.apps.example.com'],
    ['*.apps.example.com', 'https://dev.example.com:8443', 'https://*.apps.example.com:8443'],
    ['*.apps.example.com:9443', 'https://dev.example.com:8443', 'https://*.apps.example.com:9443'],
    ['*--apps.example.com', 'https://dev.example.com', 'https://*.example.com'],
  ])('ID-134, AC-182: apps of %s beside %s may be framed', (wildcardAccessUrl, accessUrl, source) => {
    const policy = headers({ wildcardAccessUrl }, undefined, [], '/', accessUrl)['Content-Security-Policy']
    expect(directive(policy, 'frame-src')).toEqual(["'self'", source])
    expect(directive(policy, 'connect-src')).toContain(source)
  })

  it('ID-134: a host that a client made up cannot write the policy', () => {
    const policy = headers({}, { host: "x; script-src 'unsafe-inline'", scheme: 'http' })[
      'Content-Security-Policy'
    ]
    expect(directive(policy, 'connect-src')).toEqual(["'self'"])
    expect(policy?.match(/script-src/g)).toHaveLength(1)
  })

  it('ID-134: operators add to it; entries that name nothing are logged and left out', () => {
    const lines: string[] = []
    const policy = headers(
      {
        additionalCspPolicy: ['img-src https://cdn.example.com', 'broken', "script-src 'self'; object-src *"],
      },
      undefined,
      lines,
    )['Content-Security-Policy']
    expect(directive(policy, 'img-src')).toContain('https://cdn.example.com')
    expect(directive(policy, 'object-src')).toEqual(["'none'"])
    expect(lines).toHaveLength(2)
  })

  it('ID-135: only we may frame it, or whom the operator names instead', () => {
    expect(directive(headers()['Content-Security-Policy'], 'frame-ancestors')).toEqual(["'self'"])
    expect(headers()).not.toHaveProperty('X-Frame-Options')
    const other = headers({ additionalCspPolicy: ['frame-ancestors https://portal.example.com'] })
    expect(directive(other['Content-Security-Policy'], 'frame-ancestors')).toEqual([
      'https://portal.example.com',
    ])
  })

  it('ID-135: what is made to be embedded names no ancestors, unless the operator does', () => {
    const ancestors = (path: string, additionalCspPolicy: string[] = []) =>
      directive(
        headers({ additionalCspPolicy }, undefined, [], path)['Content-Security-Policy'],
        'frame-ancestors',
      )
    expect(ancestors('/agents/3f2504e0/embed')).toEqual([])
    expect(ancestors('/agents/3f2504e0/embed/chat')).toEqual([])
    for (const path of ['/agents/3f2504e0/embedded', '/agents/embed', '/x/agents/3f2504e0/embed', '/'])
      expect(ancestors(path), path).toEqual(["'self'"])
    expect(ancestors('/agents/3f2504e0/embed', ['frame-ancestors https://portal.example.com'])).toEqual([
      'https://portal.example.com',
    ])
  })

  it('ID-136: no referrer, few permissions, and strict transport only where it was asked for', () => {
    expect(headers()).toMatchObject({
      'Referrer-Policy': 'no-referrer',
      'Permissions-Policy': expect.stringContaining('microphone=(self)'),
    })
    expect(headers()).not.toHaveProperty('Strict-Transport-Security')
    const strict = headers({
      strictTransportSecurity: 31_536_000,
      strictTransportSecurityOptions: ['includeSubDomains'],
    })
    expect(strict['Strict-Transport-Security']).toBe('max-age=31536000; includeSubDomains')
  })
})

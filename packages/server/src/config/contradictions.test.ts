import { describe, expect, it } from 'vitest'

import { refusal, start } from './testing.ts'

/** The option that a start with these flags is refused for; undefined when it is accepted. */
function refusedFor(...argv: string[]): string | undefined {
  try {
    start({ argv })
    return undefined
  } catch {
    const errors = refusal({ argv })
    expect(errors).toHaveLength(1)
    return errors[0]?.split(':')[0]
  }
}

describe('OP-9: settings that exclude each other', () => {
  it('OA-27, OP-9: refresh tokens live strictly longer than sessions', () => {
    expect(refusedFor('--default-oauth-refresh-lifetime=24h')).toBe('--default-oauth-refresh-lifetime')
    expect(refusedFor('--default-oauth-refresh-lifetime=1441m')).toBeUndefined()
    expect(refusedFor('--session-duration=720h')).toBe('--default-oauth-refresh-lifetime')
    expect(refusedFor('--oauth2-refresh-grace=301s')).toBe('--oauth2-refresh-grace')
    expect(refusedFor('--oauth2-refresh-grace=5m')).toBeUndefined()
    expect(refusedFor('--session-duration=719h')).toBeUndefined()
    expect(refusedFor('--session-duration=0s')).toBe('--session-duration')
  })

  it('OP-9: connections of the database', () => {
    expect(refusedFor('--postgres-conn-max-open=0')).toBe('--postgres-conn-max-open')
    expect(refusedFor('--postgres-conn-max-idle=11')).toBe('--postgres-conn-max-idle')
    expect(refusedFor('--postgres-conn-max-idle=-1')).toBe('--postgres-conn-max-idle')
    expect(refusedFor('--postgres-conn-max-idle=many')).toBe('--postgres-conn-max-idle')
    expect(refusedFor('--postgres-conn-max-idle=10')).toBeUndefined()
    expect(refusedFor('--postgres-conn-max-idle=0')).toBeUndefined()
    expect(refusedFor('--postgres-url=mysql://x')).toBe('--postgres-url')
    expect(refusedFor('--postgres-auth=awsiamrds')).toBe('--postgres-auth')
  })

  it('OP-9: the chat hook', () => {
    const secret = `--chat-hook-secret=${'x'.repeat(32)}`
    expect(refusedFor('--chat-hook-url=https://h')).toBe('--chat-hook-url')
    expect(refusedFor('--chat-hook-url=https://h', secret)).toBeUndefined()
    expect(refusedFor('--chat-hook-url=http://h', secret)).toBe('--chat-hook-url')
    expect(refusedFor('--chat-hook-url=http://h', secret, '--chat-hook-allow-insecure')).toBeUndefined()
    expect(refusedFor('--chat-hook-url=https://u@h', secret)).toBe('--chat-hook-url')
    expect(refusedFor('--chat-hook-url=https://h#x', secret)).toBe('--chat-hook-url')
    expect(refusedFor('--chat-hook-secret=short')).toBe('--chat-hook-secret')
    expect(refusedFor('--chat-hook-timeout=6s')).toBe('--chat-hook-timeout')
  })

  it('OP-9: the access URL is http or https', () => {
    expect(refusedFor('--access-url=ftp://a.example')).toBe('--access-url')
    expect(refusedFor('--access-url=a.example')).toBe('--access-url')
    expect(refusedFor('--access-url=https://a.example')).toBeUndefined()
  })

  it('OP-9: a delivery ends before its lease', () => {
    expect(refusedFor('--notifications-dispatch-timeout=2m')).toBe('--notifications-dispatch-timeout')
    expect(refusedFor('--notifications-method=inbox')).toBe('--notifications-method')
  })

  it('OP-9: SSH settings that clients would refuse (AC-240)', () => {
    for (const setting of [
      'ProxyCommand=x',
      'host *',
      'Match all',
      'include=/x',
      'ServerAliveInterval',
      'A=b\nc',
    ])
      expect(refusedFor(`--ssh-config-options=${setting}`)).toBe('--ssh-config-options')
    expect(refusedFor('--ssh-config-options=ServerAliveInterval=30,ForwardX11 yes')).toBeUndefined()
  })

  it('OP-120: telemetry needs an address', () => {
    expect(refusedFor('--telemetry')).toBe('--telemetry')
    expect(refusedFor('--telemetry', '--telemetry-url=https://t')).toBeUndefined()
  })

  it('OP-98: some log must be left', () => {
    expect(refusedFor('--log-human=')).toBe('--log-human')
    expect(refusedFor('--log-human=/dev/null')).toBeUndefined()
    expect(refusedFor('--log-human=', '--log-json=/tmp/x')).toBeUndefined()
    expect(refusedFor('--log-filter=(')).toBe('--log-filter')
  })

  it('OP-67: encryption keys have 32 bytes', () => {
    expect(refusedFor('--external-token-encryption-keys=c2hvcnQ=')).toBe('--external-token-encryption-keys')
    expect(refusedFor(`--external-token-encryption-keys=${'A'.repeat(43)}=`)).toBeUndefined()
  })

  it('OP-9: pairs of files and of sign-in settings', () => {
    expect(refusedFor('--oidc-client-id=x')).toBe('--oidc-client-id')
    expect(refusedFor('--oidc-client-key-file=x')).toBe('--oidc-client-key-file')
    expect(refusedFor('--oauth2-github-client-id=x')).toBe('--oauth2-github-client-id')
    expect(refusedFor('--host-prefix-cookie')).toBe('--host-prefix-cookie')
    expect(refusedFor('--email-auth-password=x', '--email-auth-password-file=y')).toBe(
      '--email-auth-password',
    )
    expect(refusedFor('--ai-gateway-proxy-enabled')).toBe('--ai-gateway-proxy-enabled')
    expect(refusedFor('--derp-config-url=https://x', '--derp-config-path=y')).toBe('--derp-config-url')
  })

  it('OP-9: all contradictions are told at once', () => {
    expect(refusal({ argv: ['--session-duration=720h', '--telemetry', '--log-human='] })).toHaveLength(3)
  })
})

describe('OP-22: the wildcard host', () => {
  it.each([
    '*.apps.example.com',
    '*--apps.example.com',
    '*.example',
    '*.apps.example.com:8443',
    '*-x.a-b.example',
  ])('OP-22: %s is accepted', (host) => expect(refusedFor(`--wildcard-access-url=${host}`)).toBeUndefined())
  it.each([
    'apps.example.com',
    'a.*.example.com',
    '*.*.example.com',
    'https://*.example.com',
    '*',
    '*example',
    '*.',
    '*..example.com',
    '*.example.com.',
    '*.exa_mple.com',
    '*.-a.example',
    '*.example.com:99999',
    '*.example.com:1:2',
    '*.example.com/x',
    '*.exa mple.com',
  ])('OP-22: %s is refused', (host) =>
    expect(refusedFor(`--wildcard-access-url=${host}`)).toBe('--wildcard-access-url'),
  )
})

describe('OP-24: TLS', () => {
  const RSA = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
  const OLD = 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'
  const WEAK = 'TLS_RSA_WITH_RC4_128_SHA'

  it('OP-24: unknown versions and client checks are refused; 1.2 is the default', () => {
    expect(refusedFor('--tls-min-version=tls14')).toBe('--tls-min-version')
    expect(refusedFor('--tls-client-auth=maybe')).toBe('--tls-client-auth')
    expect(start({}).config.tlsMinVersion).toBe('tls12')
  })

  it('OP-24: cipher suites fit the versions, are known, and are safe unless that is allowed', () => {
    expect(refusedFor(`--tls-ciphers=${RSA}`)).toBeUndefined()
    expect(refusedFor(`--tls-ciphers=${RSA}`, '--tls-min-version=tls13')).toBe('--tls-ciphers')
    expect(refusedFor('--tls-ciphers=TLS_NONE')).toBe('--tls-ciphers')
    expect(refusedFor(`--tls-ciphers=${WEAK}`)).toBe('--tls-ciphers')
    expect(refusedFor(`--tls-ciphers=${WEAK}`, '--tls-allow-insecure-ciphers')).toBeUndefined()
    expect(refusedFor(`--tls-ciphers=${RSA}`, '--tls-min-version=tls11')).toBe('--tls-ciphers')
    expect(refusedFor(`--tls-ciphers=${RSA},${OLD}`, '--tls-min-version=tls10')).toBeUndefined()
    expect(refusedFor('--tls-ciphers=TLS_AES_128_GCM_SHA256')).toBe('--tls-ciphers')
  })

  it('OP-25: certificates and keys go in pairs', () => {
    expect(refusedFor('--tls-cert-file=a,b', '--tls-key-file=c')).toBe('--tls-cert-file')
    expect(refusedFor('--tls-cert-file=a', '--tls-key-file=b')).toBeUndefined()
    expect(refusedFor('--tls-client-key-file=a')).toBe('--tls-client-cert-file')
  })
})

it('OP-26: something must listen', () => {
  expect(refusedFor('--http-address=')).toBe('--http-address')
  expect(refusedFor('--tls-enable', '--tls-address=')).toBe('--tls-address')
})

describe('OP-20, OP-21: warnings about the access URL', () => {
  const about = (...argv: string[]) =>
    start({ argv }).warnings.filter((line) => line.startsWith('--access-url'))

  it('OP-21: none is set', () => expect(about()).toHaveLength(1))
  it.each(['http://localhost:3000', 'https://127.0.0.1', 'http://[::1]:3000', 'http://a.localhost'])(
    'OP-20: %s leads to this machine only',
    (url) => expect(about('--access-url', url)).toHaveLength(1),
  )
  it('OP-20: another host is no reason to warn', () => {
    expect(about('--access-url=https://localhost.example.com')).toEqual([])
  })
  it('OP-21: wg-tunnel-host is accepted and has no effect', () => {
    expect(start({ env: { WGTUNNEL_HOST: 'x' } }).warnings).toContain(
      '--wg-tunnel-host: has no effect: no tunnel of a third party is opened; set --access-url',
    )
  })
})

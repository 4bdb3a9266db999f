import type { Config } from './options.ts'

/** Suites that also work below TLS 1.2 end in `_CBC_SHA` or `_RC4_128_SHA`. */
const SAFE = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
]

const INSECURE = [
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA256',
  'TLS_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
]

type CipherSettings = Pick<Config, 'tlsCiphers' | 'tlsMinVersion' | 'tlsAllowInsecureCiphers'>

/** Whether the list of cipher suites cannot serve the TLS versions that are on, or is unsafe (OP-24). */
export function cipherFault(c: CipherSettings): string | false {
  if (c.tlsCiphers.length === 0) return false
  if (c.tlsMinVersion === 'tls13')
    return '--tls-ciphers: has no meaning with --tls-min-version=tls13; leave one of them out'
  const unknown = c.tlsCiphers.find((name) => !SAFE.includes(name) && !INSECURE.includes(name))
  if (unknown !== undefined)
    return `--tls-ciphers: there is no suite ${JSON.stringify(unknown)}; use names such as ${SAFE[9]}`
  const weak = c.tlsCiphers.find((name) => INSECURE.includes(name))
  if (weak !== undefined && !c.tlsAllowInsecureCiphers)
    return `--tls-ciphers: ${weak} is weak; leave it out or set --tls-allow-insecure-ciphers`
  const below13 = c.tlsCiphers.filter((name) => name.includes('_WITH_'))
  const covers = c.tlsMinVersion === 'tls12' ? below13 : below13.filter((name) => name.endsWith('_SHA'))
  return covers.length > 0
    ? false
    : `--tls-ciphers: no suite works with the versions from --tls-min-version=${c.tlsMinVersion} on; add one or raise the version`
}

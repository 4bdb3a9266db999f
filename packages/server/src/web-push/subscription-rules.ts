import { ECDH } from 'node:crypto'
import { isIP } from 'node:net'

import type { WebpushSubscription } from '@slipway/contract'
import { type Validation, validationFailed } from '../errors/index.ts'
import type { AddressGuard } from '../outbound/index.ts'

/** Bytes of the secret of a subscription (RFC 8291). */
const AUTH = 16
const LOOPBACK = '127.0.0.1'

/** A subscription of the right form. */
export interface CheckedSubscription {
  readonly endpoint: string
  /** A point of P-256 in base64url. */
  readonly p256dhKey: string
  readonly authKey: Buffer
}

/** An endpoint as it is stored; undefined for what is no address. */
export function normalEndpoint(endpoint: string): string | undefined {
  return URL.parse(endpoint)?.href
}

/**
 * Holds a subscription against the rules (OP-140): a public address of HTTPS, and keys that a message can be encrypted
 * for. Where the name of the address leads is looked at whenever it is used.
 *
 * @throws ApiError 400 with what is wrong.
 */
export function checkSubscription(
  { endpoint, p256dh_key, auth_key }: WebpushSubscription,
  guard: AddressGuard,
): CheckedSubscription {
  const faults: Validation[] = []
  const problem = endpointProblem(endpoint, guard)
  if (problem !== undefined) faults.push({ field: 'endpoint', detail: problem })
  const p256dhKey = pointOf(p256dh_key)
  if (p256dhKey === undefined)
    faults.push({ field: 'p256dh_key', detail: 'must be a public key of P-256 in base64url' })
  const authKey = Buffer.from(auth_key, 'base64url')
  if (authKey.length !== AUTH)
    faults.push({ field: 'auth_key', detail: `must be ${AUTH} bytes in base64url` })
  const normal = normalEndpoint(endpoint)
  if (faults.length > 0 || p256dhKey === undefined || normal === undefined) throw validationFailed(faults)
  return { endpoint: normal, p256dhKey, authKey }
}

function endpointProblem(endpoint: string, guard: AddressGuard): string | undefined {
  const url = URL.parse(endpoint)
  if (url === null || url.protocol !== 'https:') return 'must be an address that begins with https://'
  if (url.username !== '' || url.password !== '') return 'must hold no name and no password'
  if (url.href.length > 2048) return 'must be no longer than 2048 characters'
  const name = url.hostname.replace(/^\[|\]$|\.$/g, '')
  const host = name === 'localhost' || name.endsWith('.localhost') ? LOOPBACK : name
  if (isIP(host) !== 0 && !guard.permits(host)) return 'must not lead to a private address'
  return undefined
}

/** The point in its one form; undefined for what is none. */
function pointOf(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 65 || bytes[0] !== 4) return undefined
  try {
    ECDH.convertKey(bytes, 'prime256v1', undefined, undefined, 'uncompressed')
  } catch {
    // It lies on no curve.
    return undefined
  }
  return bytes.toString('base64url')
}

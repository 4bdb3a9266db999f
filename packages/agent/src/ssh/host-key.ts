import { createECDH, createHash, createPrivateKey } from 'node:crypto'

/**
 * The host key of a workspace: the same over rebuilds, so that clients that do remember it see no change
 * (AC-110). It is no secret worth keeping, because the tunnel has authenticated both ends.
 *
 * @returns a P-256 key as PEM (SEC 1).
 */
export function hostKey(owner: string, workspace: string, agent: string): string {
  const secret = createHash('sha256').update(`slipway host key\0${owner}\0${workspace}\0${agent}`).digest()
  // One in 2^32 digests lies beyond the order of the curve; clearing the top bit keeps all below.
  secret[0] = (secret[0] ?? 0) & 0x7f
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(secret)
  const point = curve.getPublicKey()
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: secret.toString('base64url'),
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  })
  return key.export({ type: 'sec1', format: 'pem' }).toString()
}

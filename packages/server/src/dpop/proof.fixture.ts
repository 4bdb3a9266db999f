import { createHash, randomUUID } from 'node:crypto'

import { exportJWK, type GenerateKeyPairResult, type JWTPayload, SignJWT } from 'jose'

/** The `ath` of an access token. */
export function athOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** A proof that says this, signed by the key that its header names, unless the header is given otherwise. */
export async function signProof(
  keys: GenerateKeyPairResult,
  claims: JWTPayload,
  header: object = {},
): Promise<string> {
  return new SignJWT({ iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(keys.publicKey), ...header })
    .sign(keys.privateKey)
}

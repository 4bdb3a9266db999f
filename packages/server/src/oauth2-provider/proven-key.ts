import type { Dpop } from '../dpop/index.ts'
import type { Incoming } from '../edge/index.ts'
import { OAuthError } from '../errors/index.ts'

/**
 * The thumbprint of the key that a request proves to hold; undefined without a proof (RFC 9449, section 5).
 *
 * @param path of the endpoint.
 * @throws OAuthError 400 `invalid_dpop_proof`, `use_dpop_nonce`.
 */
export async function provenKey(
  dpop: Dpop,
  { raw, reply }: Pick<Incoming<never>, 'raw' | 'reply'>,
  path: `/oauth2/${string}`,
): Promise<string | undefined> {
  const proof = raw.headers.dpop
  if (proof === undefined) return undefined
  const outcome = await dpop.verifyProof({ proof, method: 'POST', path })
  reply.header('DPoP-Nonce', outcome.nonce)
  if (!outcome.ok) throw new OAuthError(400, outcome.error, outcome.description)
  return outcome.thumbprint
}

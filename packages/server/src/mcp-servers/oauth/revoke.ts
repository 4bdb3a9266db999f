import { OutboundError } from '../../outbound/index.ts'
import type { UserTokens } from '../sealed.ts'
import type { OAuthClient } from './authorize.ts'
import { type Guarded, jsonObject, textOf } from './http.ts'

/**
 * Takes tokens back at their authorization server (RFC 7009): the refresh token where there is one, which ends all that
 * came of it, and the access token where only that can be taken back (OA-111).
 *
 * @returns whether it was done.
 */
export async function revoke(
  guarded: Guarded,
  revocationUrl: string,
  client: OAuthClient['client'],
  tokens: UserTokens,
): Promise<boolean> {
  const kinds = [
    ['refresh_token', tokens.refreshToken],
    ['access_token', tokens.accessToken],
  ] as const
  for (const [hint, token] of kinds) {
    if (token === undefined) continue
    const outcome = await attempt(guarded, revocationUrl, client, hint, token)
    if (outcome !== 'unsupported') return outcome === 'done'
  }
  return false
}

async function attempt(
  guarded: Guarded,
  revocationUrl: string,
  { clientId, clientSecret, authMethod }: OAuthClient['client'],
  hint: string,
  token: string,
): Promise<'done' | 'unsupported' | 'failed'> {
  const secret = authMethod === 'none' ? undefined : clientSecret
  const form = new URLSearchParams({ token, token_type_hint: hint })
  const headers = new Headers({ Accept: 'application/json' })
  if (secret === undefined) form.set('client_id', clientId)
  else {
    // RFC 6749 section 2.3.1.
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`
    headers.set('Authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
  }
  try {
    const response = await guarded.fetch(
      { timeoutMs: 10_000, maxBytes: 64 * 1024, redirects: 'same-origin' },
      revocationUrl,
      { method: 'POST', headers, body: form },
    )
    const body = await response.text()
    if (response.ok) return 'done'
    return textOf(jsonObject(body)?.error) === 'unsupported_token_type' ? 'unsupported' : 'failed'
  } catch (error) {
    if (error instanceof OutboundError || error instanceof TypeError) return 'failed'
    throw error
  }
}

import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import { signIn } from './actor.ts'
import { linkProvider, type OidcProvider } from './provider.ts'
import type { Providers } from './providers.ts'
import { findOidcSessionEnd } from './store/oidc-sessions.ts'

/** A longer token would make an address that servers refuse. */
const LONGEST_HINT = 4_096
/** Nobody waits longer than this for a provider in order to sign out here. */
const PATIENCE_MS = 3_000

/** An ID token as it is stored; undefined for one that is too long to be sent back in an address. */
export function sealIdToken(
  { secrets }: { readonly secrets: { readonly sealer: Pick<AppContext['secrets']['sealer'], 'seal'> } },
  keyId: string,
  idToken: string | undefined,
): Buffer | undefined {
  if (idToken === undefined || idToken.length > LONGEST_HINT) return undefined
  return secrets.sealer.seal(Buffer.from(idToken), purpose(keyId))
}

function purpose(keyId: string): string {
  return `id token of session ${keyId}`
}

/**
 * Where a browser goes to end the session at the provider that stands behind a session here (OpenID Connect
 * RP-Initiated Logout 1.0 section 2); the provider sends it to the sign-in page afterwards. Ask before the session is
 * deleted.
 *
 * @returns undefined for other sessions, where it is not wished, and when the provider cannot do it or cannot be asked:
 *   nothing of that keeps anybody from signing out here.
 */
export async function endSessionUrl(
  context: AppContext,
  providers: Pick<Providers, 'all' | 'issuerOf'>,
  keyId: string,
): Promise<string | undefined> {
  const session = await findOidcSessionEnd(signIn, context.database.db, keyId)
  if (session === undefined) return undefined
  const provider = (await providers.all()).find(
    (one) => one.kind === 'oidc' && linkProvider(one) === session.provider,
  )
  if (provider?.kind !== 'oidc' || !provider.rpInitiatedLogout) return undefined
  try {
    const endpoint = await endpointOf(providers, provider)
    if (endpoint === undefined) return undefined
    const url = new URL(endpoint)
    url.searchParams.set('client_id', provider.clientId)
    if (session.idToken !== undefined)
      url.searchParams.set(
        'id_token_hint',
        context.secrets.sealer.open(session.idToken, purpose(keyId)).toString(),
      )
    url.searchParams.set('post_logout_redirect_uri', `${context.accessUrl().replace(/\/$/, '')}/login`)
    return url.href
  } catch (error) {
    context.log.warn('a session cannot be ended at its provider', {
      provider: provider.id,
      error: describeError(error),
    })
    return undefined
  }
}

async function endpointOf(
  providers: Pick<Providers, 'issuerOf'>,
  provider: OidcProvider,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the provider does not answer in time')), PATIENCE_MS)
  })
  try {
    return (await Promise.race([providers.issuerOf(provider).metadata(), late])).endSessionEndpoint
  } finally {
    clearTimeout(timer)
  }
}

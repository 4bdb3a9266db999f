import * as contract from '@slipway/contract'
import { type BoundRoute, forAnyone, forSession, type SharedCounters } from '../edge/index.ts'
import { behindExperiments } from '../experiments/index.ts'
import { AuthorizationEndpoint } from './authorization-endpoint.ts'
import { clientLimit } from './client-limit.ts'
import { endGrantsOfApp, endOneGrant, grantsOf } from './grants.ts'
import { introspect } from './introspect.ts'
import type { ProviderParts } from './parts.ts'
import { pushRequest } from './pushed-requests.ts'
import { revoke } from './revoke.ts'
import { TokenEndpoint } from './token-endpoint.ts'
import type { GrantHandler } from './token-request.ts'

/** Bytes: forms are small. */
const BODY_LIMIT = 64 * 1024
/**
 * Pushed requests of a public client from one address: anybody can say to be that client, and nobody shall keep it from
 * pushing by filling up what may wait for it.
 */
const PUBLIC_PUSHES_PER_MINUTE = 60

/**
 * The authorization server: users authorise clients, clients exchange that for tokens, and both can end it.
 *
 * @param further grant types that other parts of the server answer at the token endpoint.
 */
export function oauthProviderRoutes(
  parts: ProviderParts,
  options: {
    readonly shared: SharedCounters | undefined
    readonly further: ReadonlyMap<string, GrantHandler>
  },
): BoundRoute[] {
  const { shared } = options
  const disabled = parts.context.config.disableRateLimits
  const limitOf = (name: string, perMinute?: number) =>
    clientLimit({ name: `oauth2-${name}`, disabled, shared, perMinute })
  const authorization = new AuthorizationEndpoint(parts)
  const token = new TokenEndpoint(parts, limitOf('tokens'), options.further)
  const limits = {
    push: { confidential: limitOf('par'), public: limitOf('par-public', PUBLIC_PUSHES_PER_MINUTE) },
    revoke: limitOf('revoke'),
    introspect: limitOf('introspect'),
  }
  const small = { bodyLimit: BODY_LIMIT }
  return behindExperiments(
    parts.context,
    ['oauth2'],
    [
      forAnyone(readingItsQuery(contract.authorizeOAuth2), (incoming) => authorization.show(incoming)),
      forAnyone(
        readingItsQuery(contract.decideOAuth2Authorization),
        (incoming) => authorization.decide(incoming, incoming.bytes),
        small,
      ),
      forAnyone(
        contract.pushOAuth2Authorization,
        (incoming) => pushRequest(parts, limits.push, incoming, incoming.bytes),
        small,
      ),
      forAnyone(contract.issueOAuth2Tokens, (incoming) => token.exchange(incoming, incoming.bytes), small),
      forAnyone(contract.deleteOAuth2Tokens, (incoming) =>
        endGrantsOfApp(parts, incoming, incoming.query.client_id),
      ),
      forAnyone(
        contract.revokeOAuth2Token,
        async (incoming) => {
          await revoke(parts, limits.revoke, incoming, incoming.bytes)
          return undefined
        },
        small,
      ),
      forAnyone(
        contract.introspectOAuth2Token,
        (incoming) => introspect(parts, limits.introspect, incoming, incoming.bytes),
        small,
      ),
      forSession(contract.listOAuth2Grants, (incoming) => grantsOf(parts, incoming)),
      forSession(contract.deleteOAuth2Grant, (incoming) => endOneGrant(parts, incoming)),
    ],
  )
}

/**
 * A route whose handler reads the query by itself: the client is looked for and the user signs in before anything else of it
 * is judged, and people are told on a page (§8 row 4).
 */
function readingItsQuery<R extends contract.Route>(route: R): R & { readonly query: undefined } {
  return { ...route, query: undefined }
}

import { covers } from '../authz/index.ts'
import { OAuthError } from '../errors/index.ts'
import { allowedScopes, type OAuthClient, parseScopes } from '../oauth2-clients/index.ts'

/**
 * The scopes that an authorization is asked for, in byte order (OA-B6): those of the request, else those that the client
 * is registered with, else all that the user may do.
 *
 * @throws OAuthError `invalid_scope` for one that does not exist or that the client may not ask for.
 */
export function requestedScopesOf(client: Pick<OAuthClient, 'scope'>, scope: string | undefined): string[] {
  const scopes = allowedScopes(client, scope)
  // A registration that cannot be read allows nothing rather than everything.
  if (scopes === undefined || parseScopes(client.scope) === undefined)
    throw invalidScope('The requested scope is unknown, or the client is not registered for it')
  return scopes
}

/**
 * The scopes of a refreshed access token (OA-B6): never more than what was granted, whichever names say it.
 *
 * @throws OAuthError `invalid_scope`.
 */
export function narrowedScopes(granted: readonly string[], scope: string | undefined): readonly string[] {
  const asked = parseScopes(scope ?? '')
  if (asked === undefined) throw invalidScope('The requested scope is unknown')
  if (asked.length === 0) return granted
  if (!covers(granted, asked)) throw invalidScope('The requested scope goes beyond what was granted')
  return asked
}

/** Scopes as a person reads them: those that say it all, and those that permit nothing beside them (OA-B14). */
export interface ReadScopes {
  readonly widest: readonly string[]
  readonly included: readonly string[]
}

/**
 * Sorts out what the others of a list permit anyway, by permission and not by name: many clients ask for every scope
 * that there is, and nobody reads sixty lines. Of those that permit the same, the one that says most in a word stays.
 */
export function readScopes(scopes: readonly string[]): ReadScopes {
  const widest = new Set(scopes)
  for (const scope of scopes.toSorted((a, b) => breadth(a) - breadth(b))) {
    widest.delete(scope)
    if (!covers([...widest], [scope])) widest.add(scope)
  }
  return {
    widest: scopes.filter((scope) => widest.has(scope)),
    included: scopes.filter((scope) => !widest.has(scope)),
  }
}

function breadth(scope: string): number {
  if (scope.startsWith('coder:')) return 2
  return scope.endsWith(':*') ? 1 : 0
}

function invalidScope(description: string): OAuthError {
  return new OAuthError(400, 'invalid_scope', description)
}

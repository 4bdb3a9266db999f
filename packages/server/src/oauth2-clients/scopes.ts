import { canonicalScope, covers, PUBLIC_SCOPES } from '../authz/index.ts'
import type { OAuthClient } from './store/clients.ts'

const PUBLIC: ReadonlySet<string> = new Set(PUBLIC_SCOPES)

/**
 * The scopes that a text names, separated by spaces, by their canonical names and in order (OA-31).
 *
 * @returns undefined when one of them is not a scope that tokens may have.
 */
export function parseScopes(text: string): string[] | undefined {
  const names = text
    .split(' ')
    .filter((name) => name !== '')
    .map(canonicalScope)
  return names.every((name) => PUBLIC.has(name)) ? [...new Set(names)].sort() : undefined
}

/** Those of the scopes of a text that tokens may have (OA-31). */
export function knownScopes(text: string): string[] {
  return text.split(' ').flatMap((name) => parseScopes(name) ?? [])
}

/**
 * The scopes of a request of a client (OA-B6): those asked for, else those that it is registered for, else `coder:all`.
 *
 * @param asked the parameter of the request; absent or empty asks for no scope by name.
 * @returns undefined when one is unknown or the client is not registered for it.
 */
export function allowedScopes(
  client: Pick<OAuthClient, 'scope'>,
  asked: string | undefined,
): string[] | undefined {
  const registered = parseScopes(client.scope) ?? []
  const wanted = asked === undefined ? [] : parseScopes(asked)
  if (wanted === undefined) return undefined
  if (wanted.length === 0) return registered.length > 0 ? registered : ['coder:all']
  return registered.length === 0 || covers(registered, wanted) ? wanted : undefined
}

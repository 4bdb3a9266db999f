import type { OAuth2ProviderGrant } from '@slipway/contract'

/** An app with everything that the viewer has granted to it. */
export interface AuthorizedApp {
  readonly id: string
  readonly name: string
  readonly icon: string
  readonly selfRegistered: boolean
  readonly firstAuthorizedAt: string
  /** The one used last comes first. */
  readonly grants: readonly OAuth2ProviderGrant[]
}

/** Grants by app; the app used last comes first (OA-B10). */
export function byApp(grants: readonly OAuth2ProviderGrant[]): readonly AuthorizedApp[] {
  const newestFirst = grants.toSorted((one, other) => compare(other.last_used_at, one.last_used_at))
  return [...Map.groupBy(newestFirst, (grant) => grant.app_id)].flatMap(([id, own]) => {
    const [last] = own
    return last === undefined
      ? []
      : [
          {
            id,
            name: last.app_name,
            icon: last.app_icon,
            selfRegistered: last.self_registered,
            firstAuthorizedAt: own.map((grant) => grant.first_authorized_at).toSorted(compare)[0] ?? '',
            grants: own,
          },
        ]
  })
}

/** What tokens of a grant are good for, in words. */
export function reachOf(resource: string, mcpPath: string): string {
  if (resource === '') return 'This deployment'
  return resource.replace(/\/+$/, '').endsWith(mcpPath) ? 'The MCP server only' : resource
}

/** Times of the wire have one form, which sorts. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

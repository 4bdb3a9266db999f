import type { RequestContext } from './request-context.ts'

/** Who asks, as far as it matters for where they belong. */
export interface Visit {
  readonly context: Pick<RequestContext, 'method' | 'scheme'>
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Makes the rule that leads requests to the access URL (OP-23). */
export function accessUrlRedirect(options: {
  readonly accessUrl: string
  /** Whether a host is one of those on which apps live. */
  readonly isAppHost: (host: string) => boolean
}): (visit: Visit) => string | undefined {
  const access = new URL(options.accessUrl)
  const isOurs = (host: string): boolean => host.toLowerCase() === access.host || options.isAppHost(host)
  return ({ context, url, headers }) => {
    const [path = ''] = url.split('?')
    // Probes, relays and other replicas come to the address of this very process.
    if (path === '/healthz' || path === '/readyz' || path.split('/')[1] === 'derp') return undefined
    if (headers['x-coder-relay-source-replica'] !== undefined) return undefined
    const hosts = [headers.host, headers['x-forwarded-host']].flatMap((host) => host ?? [])
    const secure = access.protocol !== 'https:' || context.scheme === 'https'
    if (secure && hosts.some(isOurs)) return undefined
    const keeps = context.method === 'GET' || context.method === 'HEAD'
    return keeps ? `${access.origin}${access.pathname.replace(/\/$/, '')}${url}` : options.accessUrl
  }
}

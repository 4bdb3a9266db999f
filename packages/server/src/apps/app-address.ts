const NAME = '[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*'
const PATH_APP = new RegExp(`^/(?:@|%40)(${NAME})/(${NAME})(?:\\.(${NAME}))?/apps/([^/]+)(/.*)?$`, 'i')
const LABEL = new RegExp(`^(?:(.*---))?(${NAME}?)(?:--(${NAME}))?--(${NAME})--(${NAME})$`)
const PORT = /^(\d{4,5})(s?)$/

/** What a request to an app asks for (AC-180, AC-181). */
export interface AppAddress {
  readonly accessMethod: 'path' | 'subdomain'
  /** Path under which the app lives; cookies and redirects stay below it. Ends with a slash. */
  readonly basePath: string
  /** Free text before the name, with its three dashes; empty for none. */
  readonly prefix: string
  readonly owner: string
  readonly workspace: string
  readonly agent: string | undefined
  readonly slugOrPort: string
  /** Path and query that the app sees; empty when the slash behind the app's name is missing. */
  readonly target: string
}

/** Reads `/@owner/workspace[.agent]/apps/slug/…`; undefined for everything else. */
export function pathAppAddress(url: string): AppAddress | undefined {
  if (!/^\/[@%]/.test(url)) return undefined
  const [path = '', ...rest] = url.split('?')
  const match = PATH_APP.exec(path)
  const [, owner, workspace, agent, slug, below] = match ?? []
  if (owner === undefined || workspace === undefined || slug === undefined) return undefined
  const slugOrPort = decoded(slug)
  if (slugOrPort === undefined) return undefined
  const query = rest.length === 0 ? '' : `?${rest.join('?')}`
  return {
    accessMethod: 'path',
    basePath: `/@${owner}/${workspace}${agent === undefined ? '' : `.${agent}`}/apps/${slug}/`,
    prefix: '',
    owner,
    workspace,
    agent,
    slugOrPort,
    target: below === undefined ? '' : `${below}${query}`,
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not UTF-8 under the percent signs: no app has such a name.
    return undefined
  }
}

/** Reads the label before the wildcard suffix; undefined when it names no app (AC-181). */
export function subdomainAddress(label: string, url: string): AppAddress | undefined {
  const match = LABEL.exec(label)
  const [, prefix = '', slugOrPort, agent, workspace, owner] = match ?? []
  if (slugOrPort === undefined || slugOrPort === '' || workspace === undefined || owner === undefined)
    return undefined
  // A port is not the workspace's but one agent's.
  if (agent === undefined && portOf(slugOrPort) !== undefined) return undefined
  return {
    accessMethod: 'subdomain',
    basePath: '/',
    prefix,
    owner,
    workspace,
    agent,
    slugOrPort,
    target: url,
  }
}

/** The host name of the same port with HTTPS instead of HTTP, or the other way round; undefined for an app. */
export function otherPortHost(host: string): string | undefined {
  const [, before, tls, after] = /^((?:.*---)?\d{4,5})(s?)(--.*)$/i.exec(host) ?? []
  return before === undefined ? undefined : `${before}${tls === '' ? 's' : ''}${after}`
}

/** The port that an address names, if it names one and no app; `s` asks for HTTPS. */
export function portOf(slugOrPort: string): { readonly port: number; readonly tls: boolean } | undefined {
  const match = PORT.exec(slugOrPort)
  const port = Number(match?.[1])
  return match === null || port > 65_535 ? undefined : { port, tls: match[2] === 's' }
}

/**
 * The wildcard host as generated addresses have it: without a port of its own it has the one of the access URL (AC-182).
 * Empty without one.
 */
export function appHost(wildcard: string, accessUrl: string): string {
  if (wildcard === '' || /:\d+$/.test(wildcard)) return wildcard
  const port = URL.parse(accessUrl)?.port ?? ''
  return port === '' ? wildcard : `${wildcard}:${port}`
}

/**
 * What stands for `*` in a host name, when the host belongs to the wildcard (AC-182, AC-183). A port and a
 * trailing dot do not matter, nor does case.
 */
export function wildcardLabel(wildcard: string, host: string): string | undefined {
  if (wildcard === '') return undefined
  const plain = (text: string): string => text.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  const suffix = plain(wildcard).slice(1)
  const name = plain(host)
  if (!name.endsWith(suffix) || name.length <= suffix.length) return undefined
  const label = name.slice(0, -suffix.length)
  return label.includes('.') ? undefined : label
}

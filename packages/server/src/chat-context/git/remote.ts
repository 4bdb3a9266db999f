/** A repository at a Git host. */
export interface Remote {
  /** Host with its port, in lower case. */
  readonly host: string
  /** Address to which providers are matched; never with credentials. */
  readonly url: string
  /** Names on the way to the repository, such as owner or groups. */
  readonly owner: string
  readonly name: string
}

/** The repository that the address of a git remote names, in any form that git takes; undefined for paths and nonsense. */
export function parseRemote(origin: string): Remote | undefined {
  const text = origin.trim()
  // The short form of SSH has no scheme: `git@host:owner/name.git`.
  const short = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)([^\s]+)$/.exec(text)
  const url = short === null ? URL.parse(text) : URL.parse(`ssh://${short[1]}/${short[2]}`)
  if (url === null || !['http:', 'https:', 'ssh:', 'git:'].includes(url.protocol)) return undefined
  const parts = url.pathname
    .replace(/\.git\/?$/, '')
    .split('/')
    .filter((part) => part !== '')
    .map(decoded)
  const name = parts.pop()
  if (name === undefined || parts.length === 0) return undefined
  // They would lead to other addresses of the host's API.
  if ([...parts, name].some((part) => part === '.' || part === '..')) return undefined
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:'
  const host = (isHttp ? url.host : url.hostname).toLowerCase()
  const owner = parts.join('/')
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  return { host, owner, name, url: `${scheme}://${host}/${owner}/${name}` }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

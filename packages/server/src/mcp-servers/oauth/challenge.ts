/** What a server says in a `WWW-Authenticate: Bearer` challenge (RFC 6750 section 3, RFC 9728 section 5.1). */
export interface Challenge {
  readonly error: string | undefined
  /** Scopes that the request takes, with spaces between them. */
  readonly scope: string | undefined
  readonly resourceMetadata: string | undefined
}

/** Longest header that is looked at, in characters. */
const MAX_LENGTH = 8_192

/** The Bearer challenge of an answer; without one all of it is undefined. */
export function challengeOf({ headers }: Pick<Response, 'headers'>): Challenge {
  const header = (headers.get('www-authenticate') ?? '').slice(0, MAX_LENGTH)
  const bearer = /(?:^|,)\s*Bearer(?:\s+|$)(.*)/is.exec(header)?.[1] ?? ''
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, plain] of bearer.matchAll(
    /([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g,
  )) {
    const key = name.toLowerCase()
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
  }
  const of = (name: string): string | undefined => parameters.get(name) || undefined
  return { error: of('error'), scope: of('scope'), resourceMetadata: of('resource_metadata') }
}

/** The scopes of these lists, each once, in the order in which they come (OA-B24). */
export function scopeUnion(...scopes: readonly (string | undefined)[]): string {
  return [...new Set(scopes.flatMap((scope) => scope?.split(/\s+/) ?? []).filter((one) => one !== ''))].join(
    ' ',
  )
}

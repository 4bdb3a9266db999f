import type { FastifyReply, FastifyRequest } from 'fastify'

import { type AppAddress, subdomainAddress, wildcardLabel } from './app-address.ts'

/** How a template wants cross-origin requests to its apps treated. */
export type CorsBehavior = 'simple' | 'passthru'

const METHODS = 'HEAD, GET, POST, PUT, PATCH, DELETE'

/**
 * The origin of a request when its pages may read answers of this app: an app of the same owner under the
 * wildcard (AC-214); undefined for every other.
 */
export function friendlyOrigin(
  wildcard: string,
  address: AppAddress,
  origin: string | undefined,
): string | undefined {
  if (origin === undefined || !URL.canParse(origin)) return undefined
  const label = wildcardLabel(wildcard, new URL(origin).host)
  const from = label === undefined ? undefined : subdomainAddress(label, '/')
  return from?.owner.toLowerCase() === address.owner.toLowerCase() ? origin : undefined
}

/** Answers a preflight, which carries no credential: by the names in the two addresses alone. */
export function answerPreflight(
  request: FastifyRequest,
  reply: FastifyReply,
  origin: string | undefined,
): void {
  const wanted = request.headers['access-control-request-headers']
  reply
    .code(204)
    .headers({
      Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      ...(origin === undefined
        ? {}
        : {
            'Access-Control-Allow-Origin': origin,
            'Access-Control-Allow-Credentials': 'true',
            'Access-Control-Allow-Methods': METHODS,
            ...(wanted === undefined ? {} : { 'Access-Control-Allow-Headers': wanted }),
          }),
    })
    .send()
}

/** Whether a request asks what a later one may do. */
export function isPreflight(request: FastifyRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.origin !== undefined &&
    request.headers['access-control-request-method'] !== undefined
  )
}

/** Headers of an answer with the app's own CORS replaced by ours (AC-214). */
export function withOurCors(
  headers: readonly (readonly [string, string | readonly string[]])[],
  origin: string | undefined,
): [string, string | readonly string[]][] {
  const kept: [string, string | readonly string[]][] = []
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (lower.startsWith('access-control-')) continue
    if (lower !== 'vary') kept.push([name, value])
    else {
      const rest = [value]
        .flat()
        .join(',')
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '' && !/^(origin|access-control-request-.*)$/i.test(entry))
      if (rest.length > 0) kept.push([name, rest.join(', ')])
    }
  }
  if (origin !== undefined)
    kept.push(
      ['Access-Control-Allow-Origin', origin],
      ['Access-Control-Allow-Credentials', 'true'],
      ['Vary', 'Origin'],
    )
  return kept
}

import { covers } from '../authz/index.ts'
import { baseUrl } from '../edge/base-url.ts'
import { insufficientScopeChallenge } from '../edge/challenge.ts'
import { ApiError } from '../errors/index.ts'
import { requestOf } from './messages.ts'
import type { Client } from './tool-server.ts'

/** OA-B6, 2025-11-25: tells a client which scopes a call lacks, so that it can ask its user for them. @throws ApiError 403. */
export function requireScopes({ outer, tools }: Client, body: unknown, accessUrl: string): void {
  const { scopes } = outer.key
  if (scopes.includes('coder:all')) return
  for (const message of Array.isArray(body) ? body : [body]) {
    const request = requestOf(message)
    if (request?.method !== 'tools/call') continue
    const { name, arguments: args } = request.params
    const tool = tools.offered.get(String(name))
    const needed = tool?.scopesOf(args ?? {}) ?? []
    if (tool === undefined || covers(scopes, needed)) continue
    const where = { base: baseUrl(outer.context, accessUrl), route: outer.context.route }
    throw new ApiError(403, 'The token lacks scopes for this tool.', {
      detail: `${tool.name} needs ${needed.join(' ')}.`,
      headers: { 'WWW-Authenticate': insufficientScopeChallenge(where, needed.join(' ')) },
    })
  }
}

import { createHash, timingSafeEqual } from 'node:crypto'

import { sql } from 'kysely'

import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, baseUrl, forAnyone, type Incoming } from '../edge/index.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { describedBy, describedByPatch } from './described-user.ts'
import { MAX_RESULTS, resourceTypes, schemas, serviceProviderConfig } from './discovery.ts'
import { filterOf } from './filter.ts'
import { changeUser, provisioner, provisionUser, type ScimParts, type ScimRequest } from './provision.ts'
import { presentList, presentScimUser, shaped } from './resource.ts'
import { getScimUser, listScimUsers } from './store/scim-users.ts'

const PATH = '/scim/v2'
/** Providers send thousands of users one after the other; of guesses that many a minute are none. */
const LIMITS = { perMinute: 6_000, bodyLimit: 256 * 1024 }
const DEFAULT_RESULTS = 100

/**
 * Where identity providers say who has an account (RFC 7644), with the secret of the deployment: users are made, changed,
 * suspended and looked for (L-31).
 */
export function scimRoutes(parts: ScimParts): BoundRoute[] {
  const { context } = parts
  const { db } = context.database
  const base = (incoming: Pick<Incoming<contract.Route>, 'context'>): string =>
    baseUrl(incoming.context, context.config.accessUrl) + PATH
  const asked = (incoming: Pick<Incoming<contract.Route>, 'context' | 'raw'>): ScimRequest => {
    requireSecret(context, incoming.raw.headers.authorization)
    return { context: incoming.context, userAgent: incoming.raw.headers['user-agent'] ?? '' }
  }
  /** What anybody may know of the endpoints. */
  const document = (
    route: typeof contract.getSCIMServiceProviderConfig,
    made: (base: string) => Record<string, unknown>,
  ): BoundRoute =>
    forAnyone(
      route,
      async (incoming) => {
        requireEnabled(context)
        return made(base(incoming))
      },
      LIMITS,
    )
  return [
    document(contract.getSCIMServiceProviderConfig, serviceProviderConfig),
    document(contract.listSCIMResourceTypes, resourceTypes),
    document(contract.listSCIMSchemas, schemas),
    forAnyone(
      contract.listSCIMUsers,
      async (incoming) => {
        asked(incoming)
        const { filter = '', startIndex = 1, count = DEFAULT_RESULTS, ...wanted } = incoming.query
        const first = Math.max(1, startIndex)
        const { rows, total } = await listScimUsers(
          provisioner,
          db,
          filter.trim() === '' ? sql<boolean>`true` : filterOf(filter),
          { limit: Math.min(MAX_RESULTS, Math.max(0, count)), offset: first - 1 },
        )
        const users = rows.map((row) => shaped(presentScimUser(row, base(incoming)), wanted))
        return presentList(users, total, first)
      },
      LIMITS,
    ),
    forAnyone(
      contract.createSCIMUser,
      async (incoming) => {
        const request = asked(incoming)
        const { user, isNew } = await provisionUser(parts, request, describedBy(incoming.body))
        const presented = presentScimUser(user, base(incoming))
        // Earlier clients are answered with 200 whether there was an account or not.
        if (isNew && !context.config.scimUseLegacy)
          incoming.reply.code(201).header('Location', presented.meta.location)
        return presented
      },
      LIMITS,
    ),
    forAnyone(
      contract.getSCIMUser,
      async (incoming) => {
        asked(incoming)
        const row = await getScimUser(provisioner, db, idOf(incoming.params))
        return shaped(presentScimUser(row, base(incoming)), incoming.query)
      },
      LIMITS,
    ),
    forAnyone(
      contract.replaceSCIMUser,
      async (incoming) => {
        const request = asked(incoming)
        const user = await changeUser(parts, request, idOf(incoming.params), describedBy(incoming.body))
        return presentScimUser(user, base(incoming))
      },
      LIMITS,
    ),
    forAnyone(
      contract.patchSCIMUser,
      async (incoming) => {
        const request = asked(incoming)
        const user = await changeUser(parts, request, idOf(incoming.params), describedByPatch(incoming.body))
        return presentScimUser(user, base(incoming))
      },
      LIMITS,
    ),
  ]
}

function idOf({ id = '' }: Readonly<Record<string, string>>): string {
  if (!isUuid(id)) throw notFound()
  return id
}

/** @throws ApiError 404 where there is no secret. */
function requireEnabled({ config }: AppContext): void {
  if (config.scimAuthHeader !== '') return
  throw new ApiError(404, 'SCIM is off.', {
    detail: 'Set CODER_SCIM_AUTH_HEADER to a long random secret to enable it.',
  })
}

/** Takes the secret as a bearer token, or as it is, which some providers cannot help. @throws ApiError 401, 404. */
function requireSecret(context: AppContext, header: string | undefined): void {
  requireEnabled(context)
  const given = (header ?? '').trim().replace(/^bearer\s+/i, '')
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  if (timingSafeEqual(digest(given), digest(context.config.scimAuthHeader.trim().replace(/^bearer\s+/i, ''))))
    return
  throw new ApiError(401, 'The secret of SCIM is missing or wrong.', {
    detail: 'Send the one of CODER_SCIM_AUTH_HEADER as a bearer token.',
    headers: { 'WWW-Authenticate': 'Bearer realm="coder"' },
  })
}

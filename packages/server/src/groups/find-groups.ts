import type { QueryOf, listGroups as route } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, type Validation } from '../errors/index.ts'
import { getOrganization, knownUserId } from '../organizations/index.ts'
import { isUuid } from '../search/index.ts'
import { type GroupFilter, type GroupRow, getGroup, getGroupByName } from './store/groups.ts'

const PARAMETERS = new Set(['organization', 'has_member', 'group_ids'])
/** Ids that one request may ask for. */
const MAX_IDS = 200

/**
 * Reads which groups are asked for (WS-63). What does not exist and what the actor may not read is the same fault
 * (RB-70).
 *
 * @throws ApiError 400 with one validation for each fault.
 */
export async function readGroupFilter(
  context: AppContext,
  actor: Actor,
  url: string,
  query: QueryOf<typeof route>,
): Promise<GroupFilter> {
  const faults: Validation[] = []
  for (const key of new Set(new URL(url, 'http://server').searchParams.keys()))
    if (!PARAMETERS.has(key))
      faults.push({ field: key, detail: `${JSON.stringify(key)} is not a valid query param` })
  const ids = query.group_ids?.split(',').map((id) => id.trim().toLowerCase())
  if (ids?.some((id) => !isUuid(id)) === true)
    faults.push({ field: 'group_ids', detail: 'Query param "group_ids" must be a list of UUIDs' })
  else if (ids !== undefined && ids.length > MAX_IDS)
    faults.push({ field: 'group_ids', detail: `Query param "group_ids" can name ${MAX_IDS} groups at most` })
  const found = async (
    field: 'organization' | 'has_member',
    kind: string,
    find: (reference: string) => Promise<string>,
  ): Promise<string | undefined> => {
    const reference = query[field]
    if (reference === undefined) return undefined
    const id = await unlessHidden(() => find(reference))
    if (id === undefined) faults.push({ field, detail: hidden(kind, reference) })
    return id
  }
  const organizationId = await found(
    'organization',
    'organization',
    async (reference) => (await getOrganization(actor, context.database.db, reference)).id,
  )
  // A key that may read nothing but groups still knows whose it is.
  const memberId = await found('has_member', 'user', async (reference) =>
    reference === 'me' || reference === actor.id ? actor.id : knownUserId(context, actor, reference),
  )
  if (faults.length > 0) throw badRequest('Query parameters have invalid values.', { validations: faults })
  return { organizationId, memberId, ids }
}

/**
 * The group that a search names by UUID, by name in the default organization, or as `organization/name`; undefined
 * when there is none that the actor may read (RB-70).
 */
export async function findNamedGroup(
  context: AppContext,
  actor: Actor,
  reference: string,
): Promise<GroupRow | undefined> {
  const { db } = context.database
  return unlessHidden(async () => {
    if (isUuid(reference)) return getGroup(actor, db, reference)
    const [first = '', second] = reference.split('/')
    const organization = await getOrganization(actor, db, second === undefined ? 'default' : first)
    return getGroupByName(actor, db, organization.id, second ?? first)
  })
}

async function unlessHidden<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

function hidden(kind: string, reference: string): string {
  return `${kind} ${JSON.stringify(reference)} either does not exist, or you are unauthorized to view it`
}

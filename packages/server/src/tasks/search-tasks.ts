import { TaskStatus } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { getOrganization, knownUserId } from '../organizations/index.ts'
import { SearchQuery } from '../search/index.ts'
import type { TaskSearch } from './store/tasks.ts'

/**
 * Reads a search text: `owner`, `organization`, `status`; a bare word is an owner (WS-252).
 *
 * @throws ApiError 400 with one validation for each fault, such as a status that there is not (WS-301).
 */
export async function readTaskSearch(context: AppContext, actor: Actor, text: string): Promise<TaskSearch> {
  const query = new SearchQuery(text)
  const owner = query.one('owner') ?? query.text
  const organization = query.one('organization')
  const statuses = query.choices('status', TaskStatus.enum)
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid task search query.', { validations: faults })
  const { db } = context.database
  return {
    statuses,
    ownerId:
      owner === undefined
        ? undefined
        : await known('owner', owner, async () =>
            owner === 'me' || owner === actor.id ? actor.id : knownUserId(context, actor, owner),
          ),
    organizationId:
      organization === undefined
        ? undefined
        : await known('organization', organization, async () =>
            getOrganization(actor, db, organization).then(({ id }) => id),
          ),
  }
}

/** RB-70: what does not exist and what may not be read is the same fault. */
async function known(
  kind: 'owner' | 'organization',
  reference: string,
  find: () => Promise<string>,
): Promise<string> {
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
    const detail = `${kind} ${JSON.stringify(reference)} either does not exist, or you are unauthorized to view it`
    throw badRequest('Invalid task search query.', { validations: [{ field: kind, detail }] })
  }
}

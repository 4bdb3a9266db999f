import { type ConnectionType, ConnectionType as ConnectionTypes } from '@slipway/contract'
import { badRequest } from '../errors/index.ts'
import { SearchQuery } from '../search/index.ts'

/** Which entries a reader wants; everything named must hold (RB-108). Texts are in lower case. */
export interface ConnectionSearch {
  /** Id or name. */
  readonly organization: string | undefined
  /** Name of the owner of the workspace; `me` is the reader. */
  readonly workspaceOwner: string | undefined
  readonly workspaceOwnerEmail: string | undefined
  readonly type: ConnectionType | undefined
  /** Name of the visitor; `me` is the reader. */
  readonly username: string | undefined
  readonly userEmail: string | undefined
  readonly connectedAfter: Date | undefined
  readonly connectedBefore: Date | undefined
  readonly workspaceId: string | undefined
  readonly connectionId: string | undefined
  /** Of sessions; visits are instants and have none. */
  readonly status: 'ongoing' | 'completed' | undefined
}

/** Reads a search of the connection log. @throws ApiError 400 with one validation for each fault. */
export function parseConnectionSearch(text: string): ConnectionSearch {
  const query = new SearchQuery(text)
  const one = <T extends string>(key: string, words: readonly T[]): T | undefined => {
    const value = query.one(key)
    const found = words.find((word) => word === value)
    if (value !== undefined && found === undefined)
      query.faults.push({
        field: key,
        detail: `Query param "${key}" has invalid value ${JSON.stringify(value)}`,
      })
    return found
  }
  const search = {
    organization: query.one('organization'),
    workspaceOwner: query.one('workspace_owner'),
    workspaceOwnerEmail: query.one('workspace_owner_email'),
    type: one('type', ConnectionTypes.enum),
    username: query.one('username'),
    userEmail: query.one('user_email'),
    connectedAfter: query.time('connected_after'),
    connectedBefore: query.time('connected_before'),
    workspaceId: query.uuid('workspace_id'),
    connectionId: query.uuid('connection_id'),
    status: one('status', ['ongoing', 'completed']),
  }
  if (query.text !== undefined)
    query.faults.push({ field: 'search', detail: '"search" is not a valid query param' })
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid connection search query.', { validations: faults })
  return search
}

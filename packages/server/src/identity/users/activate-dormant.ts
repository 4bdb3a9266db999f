import { NO_ID } from '@slipway/contract'
import { diffOf, recordEntry } from '../../audit/index.ts'
import { systemActor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { currentRequest } from '../../edge/index.ts'
import { activateDormantUser, type UserRow } from '../store/users.ts'

/** What entries about dormancy have in common: nobody asked for the change (RB-102). */
const DORMANCY_FIELDS = { automatic_actor: 'coder', automatic_subsystem: 'dormancy' } as const

/**
 * Makes a dormant user active who signs in or uses a key (ID §1.2), once whoever asks at the same time, with its entry in
 * the audit log. In a transaction the entry is the caller's to write when it is committed: see `recordStatusChange`.
 */
export async function activateDormant(context: AppContext, userId: string): Promise<void> {
  const activated = await activateInTransaction(context, context.database.db, userId)
  if (activated !== undefined) await recordStatusChange(context, activated, 'dormant')
}

/** The change alone, for a transaction that may be tried again (ID-10). */
export function activateInTransaction(
  context: AppContext,
  db: Db,
  userId: string,
): Promise<UserRow | undefined> {
  const dormancy = systemActor('dormancy', 'a dormant user may do nothing yet')
  return activateDormantUser(dormancy, db, userId, context.clock.now())
}

/** The entry in the audit log of a user who was in another status before; outside of requests it names none (RB-102). */
export function recordStatusChange(
  context: AppContext,
  user: UserRow,
  before: 'active' | 'dormant',
): Promise<void> {
  const request = currentRequest()
  return recordEntry(context, {
    type: 'user',
    action: 'write',
    user,
    organizationId: undefined,
    resourceId: user.id,
    target: user.username,
    icon: '',
    diff: diffOf('user', { ...user, status: before }, user),
    status: 200,
    additionalFields: DORMANCY_FIELDS,
    requestId: request?.id ?? NO_ID,
    ip: request?.remoteAddress,
    userAgent: '',
  })
}

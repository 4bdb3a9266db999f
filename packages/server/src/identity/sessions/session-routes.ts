import * as contract from '@slipway/contract'
import { NEVER, type Session } from '@slipway/contract'
import { audited } from '../../audit/index.ts'
import { authorize, requireOwnerFor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import type { KeyValidator } from '../keys/validate-key.ts'
import { deleteKey } from '../store/keys.ts'
import { deleteOtherSessions, getSession, listSessions, type SessionRow } from '../store/sessions.ts'
import { getUser, userObject } from '../store/users.ts'
import type { SignInDelay } from './sign-in-delay.ts'

/** Where people are signed in (ID-210), and what wrong passwords have led to (ID-209). */
export function sessionRoutes(context: AppContext, keys: KeyValidator, delay: SignInDelay): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(contract.listSessions, async ({ actor, params, key }) => {
      const user = await getUser(actor, db, params.user ?? '')
      const rows = await listSessions(actor, db, user.id, context.clock.now())
      return rows.map((row) => presentSession(row, key.id))
    }),
    forSession(contract.deleteSession, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        const session = await getSession(actor, db, user.id, params.keyid ?? '')
        draft.before = session
        await context.database.transaction((tx) => deleteKey(actor, tx, session.id))
        keys.drop(user.id)
        return undefined
      }),
    ),
    forSession(contract.deleteOtherSessions, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'delete' }, async (draft) => {
        const { actor, params, key } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        draft.resourceId = user.id
        const ended = await context.database.transaction((tx) =>
          deleteOtherSessions(actor, tx, user.id, key.id),
        )
        draft.additionalFields = { other_sessions: true, ended }
        keys.drop(user.id)
        return undefined
      }),
    ),
    forSession(contract.getSignInDelay, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      authorize(actor, 'update', userObject(user.id))
      const state = await delay.state({ kind: 'password', email: user.email })
      const until = state?.delayed_until ?? undefined
      return {
        failures: state?.failures ?? 0,
        ...(until === undefined || until <= context.clock.now()
          ? {}
          : { delayed_until: until.toISOString() }),
      }
    }),
    forSession(contract.resetSignInDelay, (incoming) =>
      audited(context, incoming, { type: 'user', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        draft.before = user
        authorize(actor, 'update', userObject(user.id))
        requireOwnerFor(actor, user.rbac_roles)
        await delay.reset({ kind: 'password', email: user.email })
        await delay.reset({ kind: 'second factor', userId: user.id })
        await delay.reset({ kind: 'device code', userId: user.id })
        draft.after = user
        draft.additionalFields = { sign_in_delay: 'reset' }
        return undefined
      }),
    ),
  ]
}

function presentSession(row: SessionRow, currentKeyId: string): Session {
  return {
    id: row.id,
    user_id: row.user_id,
    login_type: row.login_type,
    created_at: row.created_at.toISOString(),
    last_used: row.last_used.getTime() === 0 ? NEVER : row.last_used.toISOString(),
    expires_at: row.expires_at.toISOString(),
    ip_address: row.ip_address,
    user_agent: row.user_agent,
    current: row.id === currentKeyId,
  }
}

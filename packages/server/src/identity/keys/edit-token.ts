import {
  type Actor,
  ALLOW_ALL,
  type AllowListEntry,
  containsAllowList,
  covers,
  expandScope,
  formatAllowListEntry,
  normalizeAllowList,
  parseAllowListEntry,
  requestedScopes,
} from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import type { ValidatedKey } from '../../edge/index.ts'
import { ApiError, conflict, notFound, SIGNED_OUT_MESSAGE } from '../../errors/index.ts'
import { type ApiKeyRow, getKey, getTokenByName, holdKeyAsker, updateToken } from '../store/keys.ts'
import type { UserRow } from '../store/users.ts'
import { checkedLifetime, maxTokenLifetimeMs, requireWithinOwnScope } from './create-token.ts'

const MS_TO_NS = 1_000_000

/** What is to change of a token; what is left out stays. */
export interface TokenChange {
  readonly token_name?: string
  /** From now on, in nanoseconds as on the wire. */
  readonly lifetime?: number
  readonly scopes?: string[]
  readonly allow_list?: string[]
}

/** A user's token by its name, else by its id. @throws ApiError 404. */
export async function findToken(
  { database: { db } }: AppContext,
  actor: Actor,
  user: Pick<UserRow, 'id'>,
  reference: string,
): Promise<ApiKeyRow> {
  try {
    return await getTokenByName(actor, db, user.id, reference)
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  }
  const key = await getKey(actor, db, reference)
  if (key.user_id !== user.id || key.login_type !== 'token') throw notFound()
  return key
}

/**
 * Changes name, end, scopes or allow list of a token that holds. Whoever lets it do more than it could, or for longer,
 * proves who they are as if they made a new one, and with a credential that could make it (RB-120).
 *
 * @param requireStepUp asks for the proof; throws ApiError 403.
 * @returns the token as it is then.
 * @throws ApiError 400 naming the field, 401 when the key that asks was ended meanwhile, 403, 404, 409 on a taken name and
 * for a token that has ended.
 */
export async function editToken(
  context: AppContext,
  asking: { readonly actor: Actor; readonly key: Pick<ValidatedKey, 'id'> },
  user: UserRow,
  token: ApiKeyRow,
  change: TokenChange,
  requireStepUp: () => Promise<void>,
): Promise<ApiKeyRow> {
  const { actor } = asking
  const now = context.clock.now()
  const scopes = change.scopes === undefined ? token.scopes : requestedScopes(change.scopes, undefined)
  // What the token can do now; nothing when something about it is of another release, as it is refused then (ID-80).
  const held = heldBy(token)
  if (held === undefined && (change.scopes === undefined || change.allow_list === undefined))
    throw conflict('The token holds a scope or an allow list entry that this release does not know.', {
      detail: 'It does nothing until both its scopes and its allow list are set anew.',
    })
  const allowed =
    change.allow_list === undefined ? (held ?? ALLOW_ALL) : normalizeAllowList(change.allow_list)
  const lifetimeMs =
    change.lifetime === undefined
      ? undefined
      : checkedLifetime(change.lifetime / MS_TO_NS, maxTokenLifetimeMs(context, user))
  const expiresAt = lifetimeMs === undefined ? undefined : new Date(now.getTime() + lifetimeMs)
  const isLonger = expiresAt !== undefined && expiresAt > token.expires_at
  const isWider = held === undefined || !covers(token.scopes, scopes) || !containsAllowList(held, allowed)
  if (isLonger || isWider) {
    requireWithinOwnScope(actor, scopes, allowed)
    await requireStepUp()
  }
  return context.database.transaction(async (tx) => {
    if (!(await holdKeyAsker(actor, tx, { userId: actor.id, keyId: asking.key.id })))
      throw new ApiError(401, SIGNED_OUT_MESSAGE, { detail: 'API key is invalid.' })
    const changed = await updateToken(actor, tx, token, {
      now,
      tokenName: change.token_name === '' ? undefined : change.token_name,
      expiresAt,
      lifetimeSeconds: lifetimeMs === undefined ? undefined : Math.round(lifetimeMs / 1000),
      scopes: change.scopes === undefined ? undefined : scopes,
      allowList: change.allow_list === undefined ? undefined : allowed.map(formatAllowListEntry),
    })
    if (changed === undefined)
      throw conflict('The token has ended or was changed meanwhile.', {
        detail: 'Look at it again. One that has ended is not brought back: make a new one.',
      })
    return changed
  })
}

/** The allow list of a token; undefined when that or a scope of it cannot be read. */
function heldBy(token: Pick<ApiKeyRow, 'scopes' | 'allow_list'>): AllowListEntry[] | undefined {
  if (token.scopes.some((name) => expandScope(name) === undefined)) return undefined
  const entries: AllowListEntry[] = []
  for (const text of token.allow_list) {
    const entry = parseAllowListEntry(text)
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return entries
}

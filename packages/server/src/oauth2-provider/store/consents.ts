import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { codeTokenObject, type NewCode } from './codes.ts'

/** What a user agrees to (OA-B14): the scopes in byte order. */
export interface Consent {
  readonly appId: string
  readonly userId: string
  readonly scopes: readonly string[]
  readonly resource: string | undefined
}

/** The consents of one user to one app that are kept; further ones are asked for each time. */
const MAX_CONSENTS = 100

/** Whether the user has agreed to exactly this before. @throws ApiError 403 without `oauth2_app_code_token:read`. */
export async function hasConsented(actor: Actor, db: Db, consent: Consent): Promise<boolean> {
  authorize(actor, 'read', codeTokenObject(consent.userId))
  const found = await db
    .selectFrom('oauth2_provider_consents')
    .select('app_id')
    .where('user_id', '=', consent.userId)
    .where('app_id', '=', consent.appId)
    .where(sql<boolean>`scopes = ${[...consent.scopes]}::text[]`)
    .where('resource', '=', consent.resource ?? '')
    .executeTakeFirst()
  return found !== undefined
}

/** Keeps what a user has agreed to. @throws ApiError 403 without `oauth2_app_code_token:create`. */
export async function rememberConsent(
  actor: Actor,
  tx: Db,
  consent: Consent,
  now: NewCode['now'],
): Promise<void> {
  authorize(actor, 'create', codeTokenObject(consent.userId))
  const { count } = await tx
    .selectFrom('oauth2_provider_consents')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('user_id', '=', consent.userId)
    .where('app_id', '=', consent.appId)
    .executeTakeFirstOrThrow()
  if (count >= MAX_CONSENTS) return
  await tx
    .insertInto('oauth2_provider_consents')
    .values({
      user_id: consent.userId,
      app_id: consent.appId,
      scopes: [...consent.scopes],
      resource: consent.resource ?? '',
      created_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

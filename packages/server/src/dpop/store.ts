import { type Actor, authorize } from '../authz/index.ts'
import { anyOf, type Db, prepared } from '../database/index.ts'

const insertProof = prepared<{ hash: Buffer; expiresAt: Date }, { expires_at: Date }>((db, p) =>
  db
    .insertInto('oauth2_provider_dpop_proofs')
    .values({ hashed_proof: p('hash'), expires_at: p('expiresAt') })
    .onConflict((conflict) => conflict.doNothing())
    .returning('expires_at'),
)

/** Notes a proof as used; false when it was used before, on whichever replica. @throws ApiError 403. */
export async function useProof(
  actor: Actor,
  db: Db,
  proof: { readonly hash: Buffer; readonly expiresAt: Date },
): Promise<boolean> {
  authorize(actor, 'create', { type: 'oauth2_app_code_token' })
  return (await insertProof(db, { ...proof })).length > 0
}

/** Forgets at most so many proofs that expired before; resolves to their number. @throws ApiError 403. */
export async function deleteOldProofs(actor: Actor, db: Db, before: Date, atMost: number): Promise<number> {
  authorize(actor, 'delete', { type: 'oauth2_app_code_token' })
  const old = db
    .selectFrom('oauth2_provider_dpop_proofs')
    .select('hashed_proof')
    .where('expires_at', '<', before)
    .limit(atMost)
    .forUpdate()
    .skipLocked()
  const { numDeletedRows } = await db
    .deleteFrom('oauth2_provider_dpop_proofs')
    .where('hashed_proof', '=', anyOf(old))
    .executeTakeFirst()
  return Number(numDeletedRows)
}

import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** What decides whether a session has to prove anew who holds it. */
export interface ProofState {
  /** Whether the account signs in with a password here and has a second factor. */
  readonly hasFactor: boolean
  readonly provedAt: Date | undefined
  readonly bySecondFactor: boolean
}

/** How fresh a session is. @throws ApiError 403 for all but system actors. */
export async function getProofState(
  actor: Actor,
  db: Db,
  session: { readonly keyId: string; readonly userId: string },
): Promise<ProofState> {
  authorize(actor, 'read', { type: 'system' })
  const { rows } = await sql<{
    has_factor: boolean
    proved_at: Date | null
    by_second_factor: boolean | null
  }>`select
      exists (select from users u where u.id = ${session.userId} and u.login_type = 'password' and
        (exists (select from user_totp t where t.user_id = u.id) or
         exists (select from passkeys p where p.user_id = u.id))) as has_factor,
      proof.proved_at, proof.by_second_factor
    from (select ${session.keyId}::text as id) as key
    left join session_proofs proof on proof.api_key_id = key.id`.execute(db)
  const [row] = rows
  return {
    hasFactor: row?.has_factor ?? false,
    provedAt: row?.proved_at ?? undefined,
    bySecondFactor: row?.by_second_factor ?? false,
  }
}

/** Notes when the holder of a key has proved who they are. @throws ApiError 403 for all but system actors. */
export async function setProof(
  actor: Actor,
  db: Db,
  keyId: string,
  proof: { readonly bySecondFactor: boolean; readonly now: Date },
): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  await db
    .insertInto('session_proofs')
    .values({ api_key_id: keyId, by_second_factor: proof.bySecondFactor, proved_at: proof.now })
    .onConflict((on) =>
      on.column('api_key_id').doUpdateSet({ by_second_factor: proof.bySecondFactor, proved_at: proof.now }),
    )
    .execute()
}

/** Makes one key as fresh as another. @throws ApiError 403 for all but system actors. */
export async function copyProof(actor: Actor, db: Db, fromKeyId: string, toKeyId: string): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  await sql`insert into session_proofs (api_key_id, by_second_factor, proved_at)
    select ${toKeyId}, by_second_factor, proved_at from session_proofs where api_key_id = ${fromKeyId}
    on conflict do nothing`.execute(db)
}

/** Uses a challenge up, named by its digest; whether it was not used before. @throws ApiError 403 for all but system actors. */
export async function spendChallenge(
  actor: Actor,
  db: Db,
  hashedChallenge: Buffer,
  expiresAt: Date,
): Promise<boolean> {
  authorize(actor, 'create', { type: 'system' })
  const row = await db
    .insertInto('spent_challenges')
    .values({ hashed_challenge: hashedChallenge, expires_at: expiresAt })
    .onConflict((on) => on.column('hashed_challenge').doNothing())
    .returning('hashed_challenge')
    .executeTakeFirst()
  return row !== undefined
}

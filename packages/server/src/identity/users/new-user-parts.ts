import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../context.ts'

/**
 * Makes what every user has from the first moment on (ID-7). It is slow to make, so that comes first; what is returned
 * stores it in the transaction that makes the user.
 */
export type PrepareUserParts = () => Promise<(actor: Actor, tx: Db, userId: string) => Promise<void>>

import type { UserRow } from '../store/users.ts'

/** What was done to an account, and by whom. */
export interface AccountEvent {
  readonly kind: 'created' | 'deleted' | 'suspended' | 'activated'
  readonly user: Pick<UserRow, 'id' | 'username' | 'name' | 'is_service_account'>
  /** None for who makes their own account by signing in. */
  readonly initiator?: { readonly id: string; readonly username: string }
}

/** Tells those whom it concerns; never fails (OP-141). */
export type AnnounceAccount = (event: AccountEvent) => Promise<void>

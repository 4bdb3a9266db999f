import type { AuditUser } from '../audit/index.ts'
import type { Holder } from './store/codes.ts'

/** Whether the account may still be acted for (OA-69). */
export function isLive({ status, deleted }: Holder): boolean {
  return status !== 'suspended' && !deleted
}

/** The account, as the audit log names it. */
export function userOf(of: Holder & { readonly user_id: string }): AuditUser {
  return { id: of.user_id, username: of.username, email: of.email }
}

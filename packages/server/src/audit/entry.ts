import type { AuditAction, AuditDiff, AuditResourceType } from '@slipway/contract'

/** Who an entry names. */
export interface AuditUser {
  readonly id: string
  readonly username: string
  readonly email: string
}

/** An entry of the audit log before it is stored (RB-85). */
export interface AuditEntry {
  readonly type: AuditResourceType
  readonly action: AuditAction
  /** Undefined for what nobody did who has an account, such as SCIM. */
  readonly user: AuditUser | undefined
  readonly organizationId: string | undefined
  readonly resourceId: string
  readonly target: string
  readonly icon: string
  readonly diff: AuditDiff
  /** HTTP status of the answer; 200 or 500 for work in the background. */
  readonly status: number
  readonly additionalFields: Readonly<Record<string, unknown>>
  readonly requestId: string
  readonly ip: string | undefined
  readonly userAgent: string
  /** Now, unless it is said. */
  readonly time?: Date
}

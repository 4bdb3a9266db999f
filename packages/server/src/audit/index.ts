export { type AuditDraft, audited, auditedWrite } from './audited.ts'
export { diffOf } from './diff.ts'
export type { AuditUser } from './entry.ts'
export { recordEntry } from './record.ts'

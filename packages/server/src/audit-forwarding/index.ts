export { AuditForwarder } from './audit-forwarder.ts'

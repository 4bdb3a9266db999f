export { AuditForwarder } from './audit-forwarder.ts'
export { sendBatches } from './send-batches.ts'

export { csvLine, exportFile } from './export-file.ts'
export { auditLogRoutes } from './routes.ts'
export { type AuditUserRow, usersOfEntries } from './store.ts'

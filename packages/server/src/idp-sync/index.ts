export { explainSync } from './explain.ts'
export { syncGuards } from './guards.ts'
export { idpSyncRoutes } from './routes.ts'
export { syncFromClaims } from './sync-from-claims.ts'

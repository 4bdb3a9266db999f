export { accessListRoutes } from './routes.ts'
export { findPrincipals, listUsersByIds } from './store.ts'

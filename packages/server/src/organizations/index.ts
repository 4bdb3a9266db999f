export { organizationRoutes } from './routes.ts'
export { getOrganization } from './store.ts'

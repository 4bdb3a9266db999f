export { entitlementRoutes } from './routes.ts'

export { customRoleRoutes } from './routes.ts'
export { siteRoleRoutes } from './site-role-routes.ts'

export { customRoleRoutes } from './routes.ts'

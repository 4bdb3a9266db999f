export { userSettingsRoutes } from './routes.ts'

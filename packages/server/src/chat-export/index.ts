export { chatExportRoutes } from './routes.ts'

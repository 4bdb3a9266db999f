export { accessListRoutes } from './routes.ts'

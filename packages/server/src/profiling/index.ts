export { ProfileListener } from './listener.ts'
export { profilingRoutes } from './routes.ts'

export { ConnectionLogger } from './connection-logger.ts'
export { connectionLogRoutes } from './routes.ts'

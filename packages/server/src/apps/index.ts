export { AppServer } from './app-server.ts'
export { appRoutes } from './routes.ts'

export { appHost, wildcardLabel } from './app-address.ts'
export { AppServer } from './app-server.ts'
export { appRoutes } from './routes.ts'

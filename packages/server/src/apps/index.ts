export { appHost, wildcardLabel } from './app-address.ts'
export { AppServer } from './app-server.ts'
export { lowerShares } from './lower-shares.ts'
export { appRoutes } from './routes.ts'

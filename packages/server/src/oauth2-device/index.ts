export { deviceGrant } from './device-grant.ts'
export { oauthDeviceRoutes } from './routes.ts'

export { PasscodeRequests } from './request-passcode.ts'
export { oneTimePasscodeRoutes } from './routes.ts'

export { SecondFactorChecks } from './checks.ts'
export { secondFactorRoutes } from './routes.ts'
export { wipeFactors } from './store/factors.ts'
